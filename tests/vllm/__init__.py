"""Tests that run a real vLLM, on the CPU, from an environment of its own (`make vllm`)."""
