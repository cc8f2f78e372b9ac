"""One figure a file, in three rooms: codes, maps and the agent."""
