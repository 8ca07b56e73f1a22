"""Speaks to the Compliance API with the official Python SDK, as a plan says, and prints what came of it as JSON.

The SDK has no methods for `/v1/compliance/`. It is driven by what its own methods are made of: the generic requests of its client
with typed models, which it validates strictly here, and its page classes, which walk both schemes of pages by themselves. Its one
method about the Compliance API, the switch under `/v1/organizations/compliance_settings`, asks for what is the configuration's here.
"""

import json
import sys
from datetime import datetime
from typing import Any, Dict, List, Literal, Optional

import anthropic
from anthropic import BaseModel
from anthropic.pagination import SyncPage, SyncPageCursor

ROOT = "/v1/compliance"
# Every call is a row of the feed itself, so that a list grows while it is read.
WITHOUT_CALLS = {"exclude_activity_types": ["compliance_api_accessed"]}


class Actor(BaseModel):
    type: str


class Activity(BaseModel):
    id: str
    type: str
    created_at: datetime
    organization_id: Optional[str]
    organization_uuid: Optional[str]
    actor: Actor
    # Of access transparency events alone.
    reason_code: Optional[str] = None
    workspace_id: Optional[str] = None
    workspace_uuid: Optional[str] = None
    transparency_log_leaf_index: Optional[int] = None


class User(BaseModel):
    id: str
    email_address: Optional[str]


class Chat(BaseModel):
    id: str
    name: Optional[str]
    created_at: datetime
    updated_at: datetime
    deleted_at: Optional[datetime]
    organization_uuid: str
    user: Optional[User]


class Block(BaseModel):
    type: str
    text: Optional[str] = None


class Message(BaseModel):
    id: str
    role: Literal["user", "assistant"]
    created_at: datetime
    content: List[Block]


class ChatMessages(BaseModel):
    id: str
    chat_messages: List[Message]
    has_more: bool


class Organization(BaseModel):
    uuid: str
    name: str
    created_at: datetime


class Person(BaseModel):
    id: str
    full_name: Optional[str]
    email: Optional[str]
    created_at: datetime


class Setting(BaseModel):
    name: str
    type: str
    value: Any


class Settings(BaseModel):
    type: Literal["effective_organization_settings"]
    settings: List[Setting]


class LogKey(BaseModel):
    verifier_key: str
    key_hash: str
    fingerprint: str
    algorithm: Literal["ecdsa_p256_sha256", "ed25519"]
    public_key: str


class LogKeys(BaseModel):
    type: Literal["transparency_log_keys"]
    origin: str
    log_keys: List[LogKey]


class Inclusion(BaseModel):
    type: Literal["transparency_log_inclusion_proof"]
    leaf_index: int
    hashes: List[str]
    checkpoint: str


class Deleted(BaseModel):
    id: str
    type: Literal["claude_chat_deleted"]


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    report = {"checks": [], "failures": []}
    for check in CHECKS:
        try:
            check(plan)
            report["checks"].append(check.__name__)
        except Exception as error:  # every failure is reported, whatever it is
            report["failures"].append(f"{check.__name__}: {type(error).__name__}: {error}")
    json.dump(report, sys.stdout)


def client(plan, key="key"):
    return anthropic.Anthropic(
        base_url=plan["base_url"], api_key=plan[key], max_retries=0, _strict_response_validation=True
    )


def listed(plan, path, model, page, params: Dict[str, Any], key="key"):
    """The first page; iterating over it asks for the others."""
    return client(plan, key).get_api_list(ROOT + path, model=model, page=page[model], options={"params": params})


def activities(plan, **params):
    return listed(plan, "/activities", Activity, SyncPage, {**WITHOUT_CALLS, **params})


def uuid(plan):
    return plan["organization"].removeprefix("org_")


def the_feed_is_walked_page_by_page(plan):
    whole = [row.id for row in activities(plan, limit=5000, order="asc")]
    pages = list(activities(plan, limit=4, order="asc").iter_pages())
    walked = [row for page in pages for row in page.data]
    assert len(pages) > 2, f"only {len(pages)} pages"
    assert [row.id for row in walked] == whole, "page by page it is another list"
    assert len(set(whole)) == len(whole)
    times = [row.created_at for row in walked]
    assert times == sorted(times) and all(time.tzinfo for time in times)
    backwards = [row.id for row in activities(plan, limit=4)]
    assert backwards == whole[::-1], "newest first is not the same backwards"


def the_feed_is_walked_against_its_order(plan):
    first = activities(plan, limit=3, order="asc")
    second = first.get_next_page()
    before = activities(plan, limit=3, order="asc", before_id=second.first_id)
    assert [row.id for row in before.data] == [row.id for row in first.data]
    assert not before.has_next_page(), "nothing lies before the first page"


def filters_of_the_feed_are_written_as_the_sdk_writes_lists(plan):
    wanted = ["platform_api_key_created", "platform_organization_created"]
    rows = list(listed(plan, "/activities", Activity, SyncPage, {"activity_types": wanted}))
    assert {row.type for row in rows} == set(wanted), rows
    early = rows[-1].created_at.isoformat().replace("+00:00", "Z")
    since = activities(plan, order="asc", **{"created_at.gt": early})
    assert all(row.id != rows[-1].id for row in since)


def calls_are_rows_of_the_feed(plan):
    asked = client(plan).with_options(default_headers={"user-agent": "judge/1"})
    row = asked.get(f"{ROOT}/organizations", cast_to=SyncPageCursor[Organization])
    assert row.data
    found = listed(plan, "/activities", Activity, SyncPage, {"activity_types": ["compliance_api_accessed"]})
    first = next(iter(found))
    assert first.organization_id is None and first.actor.type == "api_actor", first


def looks_by_staff_lead_to_their_leaves(plan):
    rows = list(listed(plan, "/activities", Activity, SyncPage, {"activity_types": ["anthropic_access"]}))
    assert len(rows) == 1, rows
    row = rows[0]
    assert row.actor.type == "anthropic_actor" and row.reason_code == "safety_review"
    assert row.workspace_id == f"wrkspc_{row.workspace_uuid}", row
    log = f"{ROOT}/transparency_log"
    keys = client(plan).get(f"{log}/keys", cast_to=LogKeys)
    assert [key.algorithm for key in keys.log_keys] == ["ecdsa_p256_sha256", "ed25519"]
    note = client(plan).get(f"{log}/checkpoint", cast_to=str)
    assert note.splitlines()[0] == keys.origin and keys.origin.endswith(uuid(plan))
    index = row.transparency_log_leaf_index
    proof = client(plan).get(f"{log}/inclusion", cast_to=Inclusion, options={"params": {"leaf_index": index}})
    assert proof.leaf_index == index and proof.checkpoint == note


def chats_are_walked_and_read(plan):
    chats = list(listed(plan, "/apps/chats", Chat, SyncPage, {"limit": 2}))
    assert sorted(chat.id for chat in chats) == sorted(plan["conversations"])
    assert all(chat.organization_uuid == uuid(plan) and chat.user for chat in chats)
    said = set()
    for chat in chats:
        found = client(plan).get(f"{ROOT}/apps/chats/{chat.id}/messages", cast_to=ChatMessages)
        assert found.id == chat.id and not found.has_more
        assert [message.role for message in found.chat_messages] == ["user", "assistant"], found
        said.add(found.chat_messages[0].content[0].text)
    assert said == {f"{plan['question']} {number}" for number in range(len(chats))}, said


def organizations_and_people_are_walked_by_token(plan):
    first = listed(plan, "/organizations", Organization, SyncPageCursor, {"limit": 1}, key="wide_key")
    pages = list(first.iter_pages())
    names = [row.name for page in pages for row in page.data]
    assert len(pages) == 2 and sorted(names) == ["elsewhere", "hospital"], names
    people = list(listed(plan, f"/organizations/{uuid(plan)}/users", Person, SyncPageCursor, {}))
    assert people and all(person.id.startswith("user_") for person in people)


def settings_in_force_are_typed(plan):
    found = client(plan).get(f"{ROOT}/organizations/{uuid(plan)}/settings", cast_to=Settings)
    assert "data_retention_periods" in {setting.name for setting in found.settings}


def refusals_are_the_sdks_errors(plan):
    def get(path, key="key", **params):
        return client(plan, key).get(ROOT + path, cast_to=object, options={"params": params})

    wrong = {**plan, "key": "fic_wrong"}
    for expected, kind, act in [
        (anthropic.AuthenticationError, "authentication_error", lambda: activities(wrong)),
        (anthropic.PermissionDeniedError, "permission_error", lambda: get("/apps/chats", key="narrow_key")),
        (anthropic.NotFoundError, "not_found_error", lambda: get("/apps/chats/conv_00000000-0000-7000-8000-000000000000/messages")),
        (anthropic.BadRequestError, "invalid_request_error", lambda: get("/activities", unknown="1")),
        (anthropic.BadRequestError, "invalid_request_error", lambda: get("/activities", after_id="forged")),
        (anthropic.BadRequestError, "invalid_request_error", lambda: get("/activities", limit=5001)),
    ]:
        try:
            act()
        except expected as error:
            assert error.body["type"] == "error" and error.body["error"]["type"] == kind, error.body
            assert error.request_id and error.request_id.startswith("req_"), error.request_id
        else:
            raise AssertionError(f"{kind} was expected")


def a_chat_is_deleted_once(plan):
    path = f"{ROOT}/apps/chats/{plan['conversations'][-1]}"
    deleted = client(plan).delete(path, cast_to=Deleted)
    assert deleted.id == plan["conversations"][-1]
    try:
        client(plan).delete(path, cast_to=Deleted)
    except anthropic.NotFoundError:
        return
    raise AssertionError("it was deleted twice")


def the_switch_is_the_configurations(plan):
    try:
        client(plan).organization.compliance_settings.retrieve()
    except anthropic.NotFoundError:
        return
    raise AssertionError("the switch of the API was answered")


CHECKS = [
    the_feed_is_walked_page_by_page,
    the_feed_is_walked_against_its_order,
    filters_of_the_feed_are_written_as_the_sdk_writes_lists,
    calls_are_rows_of_the_feed,
    looks_by_staff_lead_to_their_leaves,
    chats_are_walked_and_read,
    organizations_and_people_are_walked_by_token,
    settings_in_force_are_typed,
    refusals_are_the_sdks_errors,
    a_chat_is_deleted_once,
    the_switch_is_the_configurations,
]

main()
