module conformance

go 1.27

require gudok v0.0.0

replace gudok => ../../sdk-go
