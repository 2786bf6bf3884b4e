"""Schemas, images and roles by the official Python SDK against the proxy; prints one JSON line that the test reads."""

import json
import sys

import openai
from pydantic import BaseModel


class Numbers(BaseModel):
    a: int
    b: int


client = openai.OpenAI(base_url=sys.argv[1] + "/v1", api_key=sys.argv[2], max_retries=0, timeout=60)
model, image, prompt = sys.argv[3:6]

parsed = client.chat.completions.parse(
    model=model, messages=[{"role": "user", "content": prompt}], response_format=Numbers
).choices[0].message.parsed

text = client.chat.completions.create(
    model=model,
    messages=[
        {"role": "system", "content": "RULE one"},
        {"role": "developer", "content": "RULE two"},
        {"role": "user", "content": "first"},
        {"role": "assistant", "content": "second"},
        {
            "role": "user",
            "content": [{"type": "text", "text": "third"}, {"type": "image_url", "image_url": {"url": image}}],
        },
    ],
).choices[0].message.content

print(json.dumps({"parsed": parsed.model_dump(), "text": text}))
