"""A newsletter inside a Starlette service: the mail goes by its own post, the ids are its own, the rest is memory."""

from collections.abc import Callable
from uuid import UUID

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from zero2prod import embedding as z


def service(post: Callable[[str, bytes], None], new_id: Callable[[], UUID]) -> Starlette:
    class HostMailer(z.Mailer):
        async def run(self, desk: z.Desk) -> None:
            await z.run_one_by_one(desk, self.send)

        def send(self, parcel: z.Parcel, mail: z.Mail) -> z.Outcome:
            post(parcel.delivery.email.wire, mail.content)
            return z.Sent(z.Reply(250, "in the post"))

    class HostIds(z.Ids):
        def new(self) -> UUID:
            return new_id()

    policy = z.Policy("https://news.example.org", z.EmailAddress.parse("news@example.org"))
    house = z.in_memory(policy, HostMailer(), ids=HostIds())
    app, newsletter, evidence = house.application, z.DEFAULT_NEWSLETTER.slug, z.Evidence(z.VISITOR, "host")
    pages = {"GET": '<form method="post"><button>Yes, please</button></form>', "POST": "Done."}

    async def subscribe(request: Request) -> Response:
        asked = {"email": "", "name": "", **await request.json()}
        reader, name = z.EmailAddress.parse(asked["email"]), z.SubscriberName.parse(asked["name"])
        await app.subscribe(z.SignUp(newsletter, reader, name, evidence))
        return PlainTextResponse("Look into your mailbox.")

    async def confirm(request: Request) -> Response:
        token = request.query_params.get("subscription_token", "")
        await (app.confirm(token, evidence) if request.method == "POST" else app.check_confirmation(token))
        return HTMLResponse(pages.get(request.method))

    async def unsubscribe(request: Request) -> Response:
        token = request.path_params["token"]
        await (app.unsubscribe(token, evidence) if request.method == "POST" else app.check_unsubscription(token))
        return HTMLResponse(pages.get(request.method))

    async def publish(request: Request) -> Response:
        asked = {"title": "", "text": "", "key": "", **await request.json()}
        content, key = z.Content.parse(asked["title"], asked["text"]), z.IdempotencyKey.parse(asked["key"])
        issue = await app.publish(z.Publication(newsletter, content, key), z.system("host"))
        return JSONResponse({"readers": issue.audience})

    verbs = {"/subscriptions": subscribe, "/issues": publish}
    links = {"/subscriptions/confirm": confirm, "/unsubscribe/{token}": unsubscribe}
    routes = [Route(path, verb, methods=["POST"]) for path, verb in verbs.items()]
    routes += [Route(path, link, methods=["GET", "POST"]) for path, link in links.items()]
    refused = {z.Refusal: lambda _, refusal: JSONResponse({"error": str(refusal)}, 400)}
    return Starlette(routes=routes, exception_handlers=refused, lifespan=lambda _: house.delivering())
