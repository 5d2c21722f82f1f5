//! Conversion between the bindings' types and ours, through lists, options and results.
//!
//! `From` would do for single records, but neither `Vec<A>` into `Vec<B>` nor `Result<A, E>` into `Result<B, F>` may
//! be implemented outside the standard library.

pub(crate) trait Convert<T> {
    fn convert(self) -> T;
}

macro_rules! same {
    ($($ty:ty),*) => { $( impl Convert<$ty> for $ty { fn convert(self) -> $ty { self } } )* };
}
same!(String, u32, f64, bool, ());

impl<A: Convert<B>, B> Convert<Vec<B>> for Vec<A> {
    fn convert(self) -> Vec<B> {
        self.into_iter().map(A::convert).collect()
    }
}

impl<A: Convert<B>, B> Convert<Option<B>> for Option<A> {
    fn convert(self) -> Option<B> {
        self.map(A::convert)
    }
}

impl<A: Convert<B>, B, E: Convert<F>, F> Convert<Result<B, F>> for Result<A, E> {
    fn convert(self) -> Result<B, F> {
        self.map(A::convert).map_err(E::convert)
    }
}

impl<A: Convert<C>, B: Convert<D>, C, D> Convert<(C, D)> for (A, B) {
    fn convert(self) -> (C, D) {
        (self.0.convert(), self.1.convert())
    }
}

/// `record!(From => To { field, … })`: field by field; a forgotten field does not compile.
macro_rules! record {
    ($from:ty => $to:ty { $($field:ident),* $(,)? }) => {
        impl $crate::host::convert::Convert<$to> for $from {
            fn convert(self) -> $to {
                let Self { $($field),* } = self;
                type To = $to;
                To { $($field: $crate::host::convert::Convert::convert($field)),* }
            }
        }
    };
}

/// `cases!(From => To { Plain, Carrying(value), … })`: case by case; a forgotten case does not compile.
macro_rules! cases {
    ($from:ty => $to:ty { $($case:ident $(($value:ident))?),* $(,)? }) => {
        impl $crate::host::convert::Convert<$to> for $from {
            fn convert(self) -> $to {
                type To = $to;
                match self {
                    $( Self::$case $(($value))? => To::$case $(($crate::host::convert::Convert::convert($value)))?, )*
                }
            }
        }
    };
}

pub(crate) use {cases, record};
