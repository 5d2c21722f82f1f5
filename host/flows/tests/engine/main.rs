//! The engine from outside: flows good and bad, in one test program so that wasmtime is linked once.

mod contracts;
mod hostile;
mod inspection;
mod journals;
mod refusals;
mod replies;
mod sandbox;
mod shadow;
mod support;
