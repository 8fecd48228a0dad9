"""`/api/v1/tokens`: an administrator's business."""

from uuid import UUID

from litestar import Response, Router, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from aiops.core.identity import Identity
from aiops.core.web import Page, Paging, page_of, requires
from aiops.gateway.tokens import NewToken, Token, TokenRequest, TokenService

PATH = "/api/v1/tokens"


def router(service: TokenService) -> Router:
    """The paths over one service."""

    @post("/", guards=[requires("tokens:write")])
    async def create_token(identity: NamedDependency[Identity], data: JSONBody[TokenRequest]) -> Response[NewToken]:
        """Make a token; it is shown in this answer and never again."""
        token = await service.create(identity, data)
        headers = {"Location": f"{PATH}/{token.id}", "Cache-Control": "no-store"}
        return Response(token, status_code=201, headers=headers)

    @get("/", guards=[requires("tokens:read")])
    async def list_tokens(identity: NamedDependency[Identity], paging: NamedDependency[Paging]) -> Page[Token]:
        """Every token, newest first, without its secret."""
        items, total = await service.list(identity, offset=paging.offset, limit=paging.page_size)
        return page_of(items, total, paging)

    @get("/{token_id:uuid}", guards=[requires("tokens:read")])
    async def get_token(identity: NamedDependency[Identity], token_id: FromPath[UUID]) -> Token:
        """One token, without its secret."""
        return await service.get(identity, token_id)

    @delete("/{token_id:uuid}", guards=[requires("tokens:delete")])
    async def revoke_token(identity: NamedDependency[Identity], token_id: FromPath[UUID]) -> None:
        """Revoke a token: its sessions and sockets end."""
        await service.revoke(identity, token_id)

    return Router(PATH, route_handlers=[create_token, list_tokens, get_token, revoke_token], tags=["tokens"])
