"""The official Python SDK streams one answer from a silent upstream; prints its text as JSON."""

import json
import sys

import openai

base_url, api_key, model = sys.argv[1:4]
patience = {"timeout": float(sys.argv[4])} if len(sys.argv) > 4 else {}
client = openai.OpenAI(base_url=base_url, api_key=api_key, max_retries=0, **patience)
parts = []
for chunk in client.chat.completions.create(
    model=model, messages=[{"role": "user", "content": "Say hello"}], stream=True
):
    if chunk.choices and chunk.choices[0].delta.content:
        parts.append(chunk.choices[0].delta.content)
print(json.dumps({"text": "".join(parts)}))
