"""The official Python SDK against the proxy; prints one JSON line that the test reads."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0, timeout=30)
model = sys.argv[3]
messages = [{"role": "user", "content": "Say hello"}]
result = {}

completion = client.chat.completions.create(model=model, messages=messages)
result["text"] = completion.choices[0].message.content
result["finish_reason"] = completion.choices[0].finish_reason
result["prompt_tokens"] = completion.usage.prompt_tokens

parts, usage = [], None
for chunk in client.chat.completions.create(
    model=model, messages=messages, stream=True, stream_options={"include_usage": True}
):
    if chunk.choices and chunk.choices[0].delta.content:
        parts.append(chunk.choices[0].delta.content)
    usage = chunk.usage or usage
result["streamed"] = "".join(parts)
result["streamed_prompt_tokens"] = usage.prompt_tokens

with client.chat.completions.stream(model=model, messages=messages) as stream:
    for _ in stream:
        pass
    result["helper"] = stream.get_final_completion().choices[0].message.content

try:
    client.chat.completions.create(model="no-such-model", messages=messages)
except openai.NotFoundError as error:
    result["unknown_model"] = [error.code, bool(error.request_id)]

try:
    client.chat.completions.create(model=model, messages=[])
except openai.BadRequestError as error:
    result["bad_request"] = error.param

try:
    openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key="cw_wrong", max_retries=0).models.list()
except openai.AuthenticationError as error:
    result["wrong_key"] = error.code

# A stream that breaks: the SDK must raise, not end quietly.
try:
    for _ in client.chat.completions.create(model=model, messages=[{"role": "user", "content": "break"}], stream=True):
        pass
    result["broken"] = "ended quietly"
except openai.APIError as error:
    result["broken"] = type(error).__name__

print(json.dumps(result))
