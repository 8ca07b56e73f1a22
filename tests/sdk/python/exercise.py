"""Speaks to the gateway with the official Python SDKs, as a plan says, and prints what came of it as JSON.

The plan is a JSON file: base_url, key, and conversations, each with id, subject, wire, stream and turns (pairs of a
question and the answer that is expected). With "features": true it also tries what else the SDKs can do.
"""

import json
import sys

import anthropic
import openai

MODEL = "scripted-1"
TOOL_SCHEMA = {"type": "object", "properties": {"query": {"type": "string"}}}


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)
    report = {"conversations": [], "checks": [], "failures": []}
    for conversation in plan["conversations"]:
        report["conversations"].append(converse(plan, conversation, report))
    if plan["features"]:
        for feature in FEATURES:
            try:
                feature(plan)
                report["checks"].append(feature.__name__)
            except Exception as error:  # every failure is reported, whatever it is
                report["failures"].append(f"{feature.__name__}: {type(error).__name__}: {error}")
    json.dump(report, sys.stdout)


def anthropic_client(plan, subject="sdk-features"):
    return anthropic.Anthropic(
        base_url=plan["base_url"], api_key=plan["key"], max_retries=0, default_headers={"fiducia-subject": subject}
    )


def openai_client(plan, subject="sdk-features"):
    return openai.OpenAI(
        base_url=plan["base_url"] + "/v1",
        api_key=plan["key"],
        max_retries=0,
        default_headers={"fiducia-subject": subject},
    )


def converse(plan, conversation, report):
    """One conversation, turn by turn, sending the history again each time as applications do."""
    ask = {
        ("messages", False): messages_turn,
        ("messages", True): messages_stream_turn,
        ("chat", False): chat_turn,
        ("chat", True): chat_stream_turn,
    }[(conversation["wire"], conversation["stream"])]
    make = anthropic_client if conversation["wire"] == "messages" else openai_client
    client = make(plan, conversation["subject"])
    history, exchanges = [], []
    for question, expected in conversation["turns"]:
        history.append({"role": "user", "content": question})
        answer, exchange = ask(client, history)
        if answer != expected:
            report["failures"].append(f"{conversation['id']}: another answer than the script's")
        history.append({"role": "assistant", "content": answer})
        exchanges.append(exchange)
    return {"id": conversation["id"], "subject": conversation["subject"], "exchanges": exchanges}


def messages_turn(client, history):
    raw = client.messages.with_raw_response.create(model=MODEL, max_tokens=4096, messages=history)
    return text_of(raw.parse()), raw.headers["fiducia-exchange"]


def messages_stream_turn(client, history):
    with client.messages.stream(model=MODEL, max_tokens=4096, messages=history) as stream:
        pieces = list(stream.text_stream)
        message = stream.get_final_message()
        exchange = stream.response.headers["fiducia-exchange"]
    assert "".join(pieces) == text_of(message)
    return text_of(message), exchange


def chat_turn(client, history):
    raw = client.chat.completions.with_raw_response.create(model=MODEL, messages=history)
    return raw.parse().choices[0].message.content, raw.headers["fiducia-exchange"]


def chat_stream_turn(client, history):
    stream = client.chat.completions.create(model=MODEL, messages=history, stream=True)
    exchange = stream.response.headers["fiducia-exchange"]
    pieces = [chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices]
    return "".join(pieces), exchange


def text_of(message):
    return "".join(block.text for block in message.content if block.type == "text")


def user(text):
    return [{"role": "user", "content": text}]


def messages_tools(plan):
    client = anthropic_client(plan)
    tools = [{"name": "search", "description": "Searches.", "input_schema": TOOL_SCHEMA}]
    history = user("use the tool")
    message = client.messages.create(model=MODEL, max_tokens=64, messages=history, tools=tools)
    assert message.stop_reason == "tool_use", message
    call = next(block for block in message.content if block.type == "tool_use")
    history += [
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": call.id, "content": "found"}]},
    ]
    message = client.messages.create(model=MODEL, max_tokens=64, messages=history, tools=tools)
    assert message.stop_reason == "end_turn", message


def messages_tools_streamed(plan):
    tools = [{"name": "search", "description": "Searches.", "input_schema": TOOL_SCHEMA}]
    client = anthropic_client(plan)
    with client.messages.stream(model=MODEL, max_tokens=64, messages=user("use the tool"), tools=tools) as stream:
        message = stream.get_final_message()
    assert message.stop_reason == "tool_use", message


def messages_errors(plan):
    client = anthropic_client(plan)
    expect(anthropic.RateLimitError, lambda: ask_messages(client, "error:429"))
    expect(anthropic.APIStatusError, lambda: ask_messages(client, "error:529"))
    wrong = anthropic.Anthropic(base_url=plan["base_url"], api_key="wrong", max_retries=0)
    expect(anthropic.AuthenticationError, lambda: ask_messages(wrong, "hello"))


def messages_broken_stream(plan):
    def broken():
        with anthropic_client(plan).messages.stream(
            model=MODEL, max_tokens=64, messages=user("break-mid-stream")
        ) as stream:
            stream.get_final_message()

    expect(Exception, broken)


def messages_refusal(plan):
    message = ask_messages(anthropic_client(plan), "refusal")
    assert message.stop_reason == "refusal", message


def count_tokens(plan):
    count = anthropic_client(plan).messages.count_tokens(model=MODEL, messages=user("how many tokens"))
    assert count.input_tokens > 0


def anthropic_models(plan):
    client = anthropic_client(plan)
    names = [model.id for model in client.models.list()]
    assert MODEL in names, names
    assert client.models.retrieve(MODEL).id == MODEL


def openai_models(plan):
    client = openai_client(plan)
    names = [model.id for model in client.models.list()]
    assert MODEL in names, names
    assert client.models.retrieve(MODEL).id == MODEL


def chat_tools(plan):
    client = openai_client(plan)
    tools = [{"type": "function", "function": {"name": "search", "parameters": TOOL_SCHEMA}}]
    history = user("use the tool")
    answer = client.chat.completions.create(model=MODEL, messages=history, tools=tools).choices[0]
    assert answer.finish_reason == "tool_calls", answer
    call = answer.message.tool_calls[0]
    history += [answer.message, {"role": "tool", "tool_call_id": call.id, "content": "found"}]
    history += user("thanks")
    answer = client.chat.completions.create(model=MODEL, messages=history, tools=tools).choices[0]
    assert answer.finish_reason == "stop", answer


def chat_usage_streamed(plan):
    stream = openai_client(plan).chat.completions.create(
        model=MODEL, messages=user("count"), stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    assert chunks[-1].usage is not None, chunks[-1]


def chat_errors(plan):
    client = openai_client(plan)
    ask = lambda client, text: client.chat.completions.create(model=MODEL, messages=user(text))
    expect(openai.RateLimitError, lambda: ask(client, "error:429"))
    expect(openai.InternalServerError, lambda: ask(client, "error:500"))
    wrong = openai.OpenAI(base_url=plan["base_url"] + "/v1", api_key="wrong", max_retries=0)
    expect(openai.AuthenticationError, lambda: ask(wrong, "hello"))


def chat_broken_stream(plan):
    def broken():
        list(openai_client(plan).chat.completions.create(model=MODEL, messages=user("break-mid-stream"), stream=True))

    expect(Exception, broken)


def responses(plan):
    client = openai_client(plan)
    first = client.responses.create(model=MODEL, input="hello")
    assert first.status == "completed" and first.output_text, first
    history = [{"role": "user", "content": "hello"}] + list(first.output) + user("and again")
    second = client.responses.create(model=MODEL, input=history)
    assert second.output_text, second


def responses_streamed(plan):
    with openai_client(plan).responses.stream(model=MODEL, input="hello") as stream:
        kinds = [event.type for event in stream]
        final = stream.get_final_response()
    assert kinds[-1] == "response.completed", kinds
    assert final.output_text, final


def responses_broken_stream(plan):
    def broken():
        events = list(openai_client(plan).responses.create(model=MODEL, input="break-mid-stream", stream=True))
        # An error event is an end that says so; a clean end would be silence about it.
        if events[-1].type != "error":
            return
        raise RuntimeError("the stream ended in an error event")

    expect(Exception, broken)


def embeddings(plan):
    answer = openai_client(plan).embeddings.create(model=MODEL, input=["one", "two"])
    assert len(answer.data) == 2, answer


def batches_and_files(plan):
    client = anthropic_client(plan)
    batch = client.messages.batches.create(
        requests=[{"custom_id": "a", "params": {"model": MODEL, "max_tokens": 9, "messages": user("hello")}}]
    )
    assert client.messages.batches.retrieve(batch.id).id == batch.id
    results = list(client.messages.batches.results(batch.id))
    assert [result.custom_id for result in results] == ["a"], results


def ask_messages(client, text):
    return client.messages.create(model=MODEL, max_tokens=64, messages=user(text))


def expect(kind, action):
    try:
        action()
    except kind:
        return
    raise AssertionError(f"{kind.__name__} was expected, but all went well")


FEATURES = [
    messages_tools,
    messages_tools_streamed,
    messages_errors,
    messages_broken_stream,
    messages_refusal,
    count_tokens,
    anthropic_models,
    openai_models,
    chat_tools,
    chat_usage_streamed,
    chat_errors,
    chat_broken_stream,
    responses,
    responses_streamed,
    responses_broken_stream,
    embeddings,
    batches_and_files,
]

main()
