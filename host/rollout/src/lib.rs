//! Which version of a flow answers a call: the library of versions, routes, roll-out and roll-back.
