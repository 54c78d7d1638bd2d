//! Places for connections: whoever finds none waits for one.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

pub(super) struct Places {
    left: Mutex<usize>,
    given_back: Condvar,
}

/// Given back when it is dropped.
pub(super) struct Place(Arc<Places>);

impl Places {
    pub(super) fn new(count: usize) -> Arc<Self> {
        Arc::new(Self {
            left: Mutex::new(count),
            given_back: Condvar::new(),
        })
    }

    /// Waits for a place.
    pub(super) fn take(places: &Arc<Self>) -> Place {
        let left = places.left();
        let none_left = |left: &mut usize| *left == 0;
        let left = places.given_back.wait_while(left, none_left);
        *left.unwrap_or_else(PoisonError::into_inner) -= 1;
        Place(Arc::clone(places))
    }

    fn left(&self) -> MutexGuard<'_, usize> {
        self.left.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        *self.0.left() += 1;
        self.0.given_back.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;
    use std::time::Duration;

    #[test]
    fn whoever_finds_no_place_waits_until_one_is_given_back() {
        let places = Places::new(2);
        let held = (Places::take(&places), Places::take(&places));
        let (told, taken) = mpsc::channel();
        let waiting = thread::spawn(move || told.send(Places::take(&places)));
        // It cannot come, however long that takes.
        let early = taken.recv_timeout(Duration::from_millis(50));
        assert!(early.is_err());
        drop(held.1);
        assert!(taken.recv_timeout(Duration::from_secs(20)).is_ok());
        assert!(waiting.join().is_ok_and(|sent| sent.is_ok()));
    }
}
