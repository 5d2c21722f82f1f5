# Builds the flow of the folder it is called from. `gudok flow build` turns what it leaves into a component.
export GOOS := wasip1
export GOARCH := wasm
# Everything is here: nothing is fetched, neither modules nor another Go.
export GOPROXY := off
export GOTOOLCHAIN := local

build/flow.wasm: FORCE
	go build -buildmode=c-shared -ldflags='-s -w -checklinkname=0' -o $@ .
FORCE:
