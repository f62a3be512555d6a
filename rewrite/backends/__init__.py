"""What answers prompts: the processor, a server, vLLM. One file each; none is imported before it is used."""
