"""The subcommands of ``deepstroke``, one file each: what they take, and what they print."""
