"""Attribution: which part of the decoded frame a code is responsible for (protocol steps 1 to 4)."""
