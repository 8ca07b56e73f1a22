// Speaks to the gateway with the official Node SDKs, as a plan says, and prints what came of it as JSON. The plan and
// the report have the same form as those of the Python program beside this one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";

import Anthropic from "@anthropic-ai/sdk";
import OpenAI from "openai";

const MODEL = "scripted-1";
const TOOL_SCHEMA = { type: "object", properties: { query: { type: "string" } } };
const plan = JSON.parse(readFileSync(process.argv[2], "utf8"));

const anthropicClient = (subject = "sdk-features", apiKey = plan.key) =>
  new Anthropic({ baseURL: plan.base_url, apiKey, maxRetries: 0, defaultHeaders: { "fiducia-subject": subject } });
const openaiClient = (subject = "sdk-features", apiKey = plan.key) =>
  new OpenAI({ baseURL: `${plan.base_url}/v1`, apiKey, maxRetries: 0, defaultHeaders: { "fiducia-subject": subject } });
const user = (content) => [{ role: "user", content }];
const textOf = (message) => message.content.filter((block) => block.type === "text").map((block) => block.text).join("");
const exchangeOf = (response) => response.headers.get("fiducia-exchange");

const turns = {
  async messages(client, messages) {
    const { data, response } = await client.messages.create({ model: MODEL, max_tokens: 4096, messages }).withResponse();
    return [textOf(data), exchangeOf(response)];
  },
  async "messages stream"(client, messages) {
    const stream = client.messages.stream({ model: MODEL, max_tokens: 4096, messages });
    const { response } = await stream.withResponse();
    return [textOf(await stream.finalMessage()), exchangeOf(response)];
  },
  async chat(client, messages) {
    const { data, response } = await client.chat.completions.create({ model: MODEL, messages }).withResponse();
    return [data.choices[0].message.content, exchangeOf(response)];
  },
  async "chat stream"(client, messages) {
    const { data, response } = await client.chat.completions
      .create({ model: MODEL, messages, stream: true })
      .withResponse();
    let text = "";
    for await (const chunk of data) text += chunk.choices[0]?.delta?.content ?? "";
    return [text, exchangeOf(response)];
  },
};

async function converse(conversation, report) {
  const ask = turns[conversation.stream ? `${conversation.wire} stream` : conversation.wire];
  const client = (conversation.wire === "messages" ? anthropicClient : openaiClient)(conversation.subject);
  const history = [];
  const exchanges = [];
  for (const [question, expected] of conversation.turns) {
    history.push({ role: "user", content: question });
    const [answer, exchange] = await ask(client, [...history]);
    if (answer !== expected) report.failures.push(`${conversation.id}: another answer than the script's`);
    history.push({ role: "assistant", content: answer });
    exchanges.push(exchange);
  }
  return { id: conversation.id, subject: conversation.subject, exchanges };
}

const askMessages = (client, text) => client.messages.create({ model: MODEL, max_tokens: 64, messages: user(text) });
const askChat = (client, text) => client.chat.completions.create({ model: MODEL, messages: user(text) });
const tool = { name: "search", description: "Searches.", input_schema: TOOL_SCHEMA };

const features = {
  async messages_tools() {
    const client = anthropicClient();
    const messages = user("use the tool");
    const first = await client.messages.create({ model: MODEL, max_tokens: 64, messages, tools: [tool] });
    assert.equal(first.stop_reason, "tool_use");
    const call = first.content.find((block) => block.type === "tool_use");
    messages.push({ role: "assistant", content: first.content });
    messages.push({ role: "user", content: [{ type: "tool_result", tool_use_id: call.id, content: "found" }] });
    const second = await client.messages.create({ model: MODEL, max_tokens: 64, messages, tools: [tool] });
    assert.equal(second.stop_reason, "end_turn");
  },
  async messages_tools_streamed() {
    const messages = user("use the tool");
    const stream = anthropicClient().messages.stream({ model: MODEL, max_tokens: 64, messages, tools: [tool] });
    assert.equal((await stream.finalMessage()).stop_reason, "tool_use");
  },
  async messages_errors() {
    await assert.rejects(askMessages(anthropicClient(), "error:429"), Anthropic.RateLimitError);
    await assert.rejects(askMessages(anthropicClient(), "error:529"), (error) => error.status === 529);
    await assert.rejects(askMessages(anthropicClient("x", "wrong"), "hello"), Anthropic.AuthenticationError);
  },
  async messages_broken_stream() {
    const messages = user("break-mid-stream");
    await assert.rejects(anthropicClient().messages.stream({ model: MODEL, max_tokens: 64, messages }).finalMessage());
  },
  async messages_refusal() {
    assert.equal((await askMessages(anthropicClient(), "refusal")).stop_reason, "refusal");
  },
  async count_tokens() {
    const count = await anthropicClient().messages.countTokens({ model: MODEL, messages: user("how many tokens") });
    assert.ok(count.input_tokens > 0);
  },
  async anthropic_models() {
    const names = [];
    for await (const model of anthropicClient().models.list()) names.push(model.id);
    assert.ok(names.includes(MODEL));
    assert.equal((await anthropicClient().models.retrieve(MODEL)).id, MODEL);
  },
  async openai_models() {
    const names = [];
    for await (const model of openaiClient().models.list()) names.push(model.id);
    assert.ok(names.includes(MODEL));
    assert.equal((await openaiClient().models.retrieve(MODEL)).id, MODEL);
  },
  async chat_tools() {
    const tools = [{ type: "function", function: { name: "search", parameters: TOOL_SCHEMA } }];
    const messages = user("use the tool");
    const first = await openaiClient().chat.completions.create({ model: MODEL, messages, tools });
    assert.equal(first.choices[0].finish_reason, "tool_calls");
    const { message } = first.choices[0];
    messages.push(message, { role: "tool", tool_call_id: message.tool_calls[0].id, content: "found" }, ...user("thanks"));
    const second = await openaiClient().chat.completions.create({ model: MODEL, messages, tools });
    assert.equal(second.choices[0].finish_reason, "stop");
  },
  async chat_usage_streamed() {
    const stream = await openaiClient().chat.completions.create({
      model: MODEL,
      messages: user("count"),
      stream: true,
      stream_options: { include_usage: true },
    });
    let last;
    for await (const chunk of stream) last = chunk;
    assert.ok(last.usage);
  },
  async chat_errors() {
    await assert.rejects(askChat(openaiClient(), "error:429"), OpenAI.RateLimitError);
    await assert.rejects(askChat(openaiClient(), "error:500"), OpenAI.InternalServerError);
    await assert.rejects(askChat(openaiClient("x", "wrong"), "hello"), OpenAI.AuthenticationError);
  },
  async chat_broken_stream() {
    await assert.rejects(async () => {
      const messages = user("break-mid-stream");
      const stream = await openaiClient().chat.completions.create({ model: MODEL, messages, stream: true });
      for await (const chunk of stream) assert.ok(chunk);
    });
  },
  async responses() {
    const first = await openaiClient().responses.create({ model: MODEL, input: "hello" });
    assert.equal(first.status, "completed");
    assert.ok(first.output_text);
    const input = [...user("hello"), ...first.output, ...user("and again")];
    assert.ok((await openaiClient().responses.create({ model: MODEL, input })).output_text);
  },
  async responses_streamed() {
    const stream = await openaiClient().responses.create({ model: MODEL, input: "hello", stream: true });
    let last;
    for await (const event of stream) last = event;
    assert.equal(last.type, "response.completed");
    assert.equal(last.response.status, "completed");
  },
  async responses_broken_stream() {
    await assert.rejects(async () => {
      const stream = await openaiClient().responses.create({ model: MODEL, input: "break-mid-stream", stream: true });
      let last;
      for await (const event of stream) last = event;
      if (last?.type === "error") throw new Error("the stream ended in an error event");
    });
  },
  async embeddings() {
    const answer = await openaiClient().embeddings.create({ model: MODEL, input: ["one", "two"] });
    assert.equal(answer.data.length, 2);
  },
  async batches_and_files() {
    const { batches } = anthropicClient().messages;
    const params = { model: MODEL, max_tokens: 9, messages: user("hello") };
    const batch = await batches.create({ requests: [{ custom_id: "a", params }] });
    assert.equal((await batches.retrieve(batch.id)).id, batch.id);
    const names = [];
    for await (const result of await batches.results(batch.id)) names.push(result.custom_id);
    assert.deepEqual(names, ["a"]);
  },
};

const report = { conversations: [], checks: [], failures: [] };
for (const conversation of plan.conversations) report.conversations.push(await converse(conversation, report));
if (plan.features) {
  for (const [name, feature] of Object.entries(features)) {
    try {
      await feature();
      report.checks.push(name);
    } catch (error) {
      report.failures.push(`${name}: ${error.name}: ${error.message}`);
    }
  }
}
process.stdout.write(JSON.stringify(report));
