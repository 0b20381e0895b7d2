# The commands of this project; the scripts behind them say how.
.PHONY: run test check cross bench demo soak fuzz setup

run test check cross bench demo soak fuzz setup:
	@scripts/$@
