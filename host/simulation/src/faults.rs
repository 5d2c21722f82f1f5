//! The program dies: a future that is dropped somewhere on its way.

use std::future::Future;
use std::pin::pin;
use std::task::Poll;

/// Lets a future go on for at most `polls` looks and drops it then: what it had not committed by then, it never will.
/// None: it was cut off.
pub(crate) async fn cut<F: Future>(future: F, polls: u32) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut left = polls;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if left == 0 => Poll::Ready(None),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_cut_off_does_not_end() {
        let long = async {
            for _ in 0..10 {
                tokio::task::yield_now().await;
            }
        };
        assert!(cut(long, 3).await.is_none());
        assert_eq!(cut(async { 7 }, 0).await, Some(7));
    }
}
