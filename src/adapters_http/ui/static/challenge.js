// Answers a challenge: looks for a number for which SHA-256 of "text:number" begins with zero bits, and sends the form.
// Without this script the form's button does the same after a short wait. The hash is written out here, because
// browsers have one of their own on https pages alone, and calling it 65,536 times takes them longer.

// FIPS 180-4, section 4.2.2: the fractions of the cube roots of the first 64 primes; 5.3.3: of the square roots.
const PRIMES = [];
for (let number = 2; PRIMES.length < 64; number++) if (PRIMES.every(prime => number % prime)) PRIMES.push(number);
const fraction = root => Math.floor((root - Math.floor(root)) * 2 ** 32);
const ROUNDS = Int32Array.from(PRIMES, prime => fraction(Math.cbrt(prime)));
const START = Int32Array.from(PRIMES.slice(0, 8), prime => fraction(Math.sqrt(prime)));

// One block is enough for 55 characters: a challenge has 32, a colon and a number 16 more.
const block = new Int32Array(64);

const turn = (word, by) => (word >>> by) | (word << (32 - by));

// The first 32 bits of the hash of a text of ASCII.
function hash(text) {
  block.fill(0);
  for (let place = 0; place < text.length; place++) block[place >> 2] |= text.charCodeAt(place) << (24 - (place & 3) * 8);
  block[text.length >> 2] |= 0x80 << (24 - (text.length & 3) * 8);
  block[15] = text.length * 8;
  for (let place = 16; place < 64; place++) {
    const early = block[place - 15];
    const late = block[place - 2];
    const mixed = (turn(early, 7) ^ turn(early, 18) ^ (early >>> 3)) + (turn(late, 17) ^ turn(late, 19) ^ (late >>> 10));
    block[place] = (block[place - 16] + block[place - 7] + mixed) | 0;
  }
  let [a, b, c, d, e, f, g, h] = START;
  for (let round = 0; round < 64; round++) {
    const chosen = (turn(e, 6) ^ turn(e, 11) ^ turn(e, 25)) + ((e & f) ^ (~e & g));
    const first = (h + chosen + ROUNDS[round] + block[round]) | 0;
    const second = ((turn(a, 2) ^ turn(a, 13) ^ turn(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
  }
  return (START[0] + a) >>> 0;
}

const form = document.getElementById("challenge");
const progress = document.getElementById("progress");
const {text, bits} = form.dataset;

// Milliseconds at a time: the page still follows a finger.
const SLICE = 40;

let number = 0;

function say(words) {
  if (progress.textContent !== words) progress.textContent = words;
}

// Told in quarters, so that a screen reader has time to say them; nobody knows when the number comes.
function search() {
  const end = performance.now() + SLICE;
  do {
    for (const last = number + 256; number < last; number++) {
      if (hash(`${text}:${number}`) >>> (32 - bits) === 0) return found();
    }
  } while (performance.now() < end);
  say(`Your browser is at it: ${25 * Math.floor((4 * number) / (number + 2 ** bits))} %.`);
  setTimeout(search);
}

function found() {
  form.elements.answer.value = number;
  form.removeEventListener("submit", hold);
  // One that was refused before is not sent again and again by itself.
  if ("again" in form.dataset) {
    say("Done. Press the button.");
    return;
  }
  say("Done. Your sign-up is on its way.");
  form.requestSubmit();
}

// Pressed before the end, the button changes nothing: the form goes by itself.
function hold(event) {
  event.preventDefault();
}

// The way back from the next page leads to the empty form, and not to a question whether to send this one again.
history.replaceState(null, "", `/?newsletter=${encodeURIComponent(form.elements.newsletter?.value ?? "")}`);
form.addEventListener("submit", hold);
document.getElementById("wait").hidden = true;
say("Your browser does this by itself, in a second or two.");
setTimeout(search);
