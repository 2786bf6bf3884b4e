"""Plain answers by the official Python SDK against the proxy; prints one JSON line that the test reads."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0, timeout=60)
model = sys.argv[3]
result = {}


def asking(order):
    return {"model": model, "messages": [{"role": "user", "content": order}]}


completion = client.chat.completions.create(**asking("say said whole"))
result["text"] = completion.choices[0].message.content
result["finish_reason"] = completion.choices[0].finish_reason
result["prompt_tokens"] = completion.usage.prompt_tokens

parts, usage = [], None
for chunk in client.chat.completions.create(
    **asking("say said in a stream"), stream=True, stream_options={"include_usage": True}
):
    if chunk.choices and chunk.choices[0].delta.content:
        parts.append(chunk.choices[0].delta.content)
    usage = chunk.usage or usage
result["streamed"] = "".join(parts)
result["streamed_completion_tokens"] = usage.completion_tokens

try:
    client.chat.completions.create(**asking("fail 429"))
except openai.APIStatusError as error:
    result["refused"] = type(error).__name__

print(json.dumps(result))
