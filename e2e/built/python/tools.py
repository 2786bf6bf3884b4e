"""A tool loop by the official Python SDK against the proxy; prints one JSON line that the test reads."""

import json
import sys

import openai

client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0, timeout=60)
tools = [
    {
        "type": "function",
        "function": {
            "name": "add",
            "parameters": {
                "type": "object",
                "properties": {"a": {"type": "integer"}, "b": {"type": "integer"}},
                "required": ["a", "b"],
            },
        },
    }
]
orders = 'call [{"name":"add","input":{"a":1,"b":2}},{"name":"add","input":{"a":3,"b":4}}] then call [{"name":"add","input":{"a":5,"b":6}}]'
messages = [{"role": "user", "content": orders}]
rounds = []

while True:
    with client.chat.completions.stream(model=sys.argv[3], messages=messages, tools=tools) as stream:
        for _ in stream:
            pass
        choice = stream.get_final_completion().choices[0]
    if choice.finish_reason != "tool_calls":
        break
    calls = choice.message.tool_calls
    rounds.append([call.function.name for call in calls])
    messages.append(choice.message.model_dump(exclude_none=True, include={"role", "content", "tool_calls"}))
    for call in calls:
        numbers = json.loads(call.function.arguments)
        messages.append({"role": "tool", "tool_call_id": call.id, "content": str(numbers["a"] + numbers["b"])})

print(json.dumps({"rounds": rounds, "text": choice.message.content, "finish_reason": choice.finish_reason}))
