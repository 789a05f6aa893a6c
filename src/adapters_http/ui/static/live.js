// Keeps an issue's page up to date. Without this script the page reloads by itself.
const live = document.getElementById("live");
const source = new EventSource(live.dataset.events);

function show({kind, done, words}, total) {
  if (kind !== live.dataset.kind) {  // other buttons
    source.close();
    location.reload();
    return;
  }
  const bar = document.getElementById("bar");
  bar.max = Math.max(total, 1);
  bar.value = done;
  for (const place of document.querySelectorAll("[data-words]")) {
    const text = words[place.dataset.words];
    if (place.textContent !== text) place.textContent = text;
    place.closest("[data-hides]")?.toggleAttribute("hidden", !text);
  }
}

source.addEventListener("message", ({data}) => {
  const told = JSON.parse(data);
  show(told.page, told.total);
});
source.addEventListener("over", () => source.close());
document.addEventListener("submit", () => source.close());  // the page that follows says what came of it
