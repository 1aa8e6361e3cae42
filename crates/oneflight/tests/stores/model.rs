//! Random sequences of operations on one place by two handles, against a simple model.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use bytes::Bytes;
use oneflight::conformance::{MemoryPlace, Place};
use oneflight::entry::{Entry, Seen, Stamp};
use oneflight::store::{Attempt, Lease, Note, Published, Store};
use oneflight::{CacheBy, Key};
use proptest::prelude::*;

use super::places::{DAY, DiskPlace};

/// What a handle does with a key.
#[derive(Debug, Clone, Copy)]
enum Act {
    Look,
    /// Asks for a lease with what this handle has seen last.
    Lease,
    Renew,
    Publish(u8),
    Release,
    Drop,
    Remove,
    Leave(u8),
    Amend(u8),
    Erase,
    Trim,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => Just(Act::Look),
        4 => Just(Act::Lease),
        1 => Just(Act::Renew),
        3 => any::<u8>().prop_map(Act::Publish),
        1 => Just(Act::Release),
        1 => Just(Act::Drop),
        1 => Just(Act::Remove),
        1 => any::<u8>().prop_map(Act::Leave),
        1 => any::<u8>().prop_map(Act::Amend),
        1 => Just(Act::Erase),
        1 => Just(Act::Trim),
    ]
}

/// Which handle, which key, what.
fn steps() -> impl Strategy<Value = Vec<(usize, usize, Act)>> {
    prop::collection::vec((0..2usize, 0..2usize, act()), 1..60)
}

/// What a place knows of a key: what was published, the number of the lease, a note.
#[derive(Default, Clone)]
struct Model {
    stored: Option<Entry>,
    lease: Option<u64>,
    note: Option<String>,
}

impl Model {
    fn seen(&self) -> Seen {
        self.stored.as_ref().map(|entry| Seen::of(&entry.encode())).unwrap_or_default()
    }
}

/// A process: what it has seen of each key, and the lease that it believes to have.
struct Handle {
    store: std::sync::Arc<dyn Store>,
    seen: HashMap<usize, Seen>,
    leases: HashMap<usize, (u64, Box<dyn Lease>)>,
}

fn key(number: usize) -> Key {
    match number {
        0 => Key::new("shared").arg("one"),
        _ => Key::new("private").by(CacheBy::User("ann")).arg("one"),
    }
}

struct Run {
    handles: Vec<Handle>,
    models: Vec<Model>,
    leases: u64,
}

impl Run {
    fn new(place: &dyn Place) -> Self {
        let handle = |_| {
            let (store, seen, leases) = (place.open(DAY), HashMap::new(), HashMap::new());
            Handle { store, seen, leases }
        };
        Self { handles: (0..2).map(handle).collect(), models: vec![Model::default(); 2], leases: 0 }
    }

    async fn step(&mut self, handle: usize, number: usize, act: Act) {
        let (handle, model) = (&mut self.handles[handle], &mut self.models[number]);
        let (store, key) = (handle.store.clone(), key(number));
        match act {
            Act::Look => {
                let found = store.look(&key).await.unwrap();
                assert_eq!(found.entry, model.stored);
                assert_eq!(found.seen, model.seen());
                handle.seen.insert(number, found.seen);
            }
            Act::Lease => {
                let seen = handle.seen.get(&number).cloned().unwrap_or_default();
                match store.try_lease(&key, &seen).await.unwrap() {
                    Attempt::Held => assert!(model.lease.is_some(), "nobody holds it"),
                    Attempt::Changed => {
                        assert!(model.lease.is_none() && seen != model.seen(), "not changed");
                    }
                    Attempt::Granted(lease) => {
                        assert!(model.lease.is_none() && seen == model.seen(), "granted");
                        self.leases += 1;
                        model.lease = Some(self.leases);
                        // A former lease of this handle has been lost by a removal.
                        handle.leases.insert(number, (self.leases, lease));
                    }
                }
            }
            Act::Renew => {
                if let Some((token, lease)) = handle.leases.get(&number) {
                    assert_eq!(lease.renew().await.unwrap(), model.lease == Some(*token));
                }
            }
            Act::Publish(value) => {
                if let Some((token, lease)) = handle.leases.remove(&number) {
                    let stamp = Stamp::now(Duration::from_millis(value.into()), 1);
                    let entry = Entry { stamp, bytes: Bytes::from(vec![value; value.into()]) };
                    let published = lease.publish(&entry).await.unwrap();
                    let is_mine = model.lease == Some(token);
                    assert_eq!(published == Published::Stored, is_mine);
                    if is_mine {
                        (model.stored, model.lease) = (Some(entry), None);
                    }
                }
            }
            Act::Release | Act::Drop => {
                if let Some((token, lease)) = handle.leases.remove(&number) {
                    match act {
                        Act::Release => lease.release().await.unwrap(),
                        _ => drop(lease),
                    }
                    model.lease.take_if(|held| *held == token);
                }
            }
            Act::Remove => {
                assert_eq!(store.remove(&key).await.unwrap(), model.stored.is_some());
                *model = Model::default();
            }
            Act::Leave(value) => {
                let text = value.to_string();
                store.leave(&key, Note::Annotation, &text, DAY).await.unwrap();
                model.note = Some(text);
            }
            Act::Amend(value) => {
                let text = value.to_string();
                let is_amended = store.amend(&key, Note::Annotation, &text, DAY).await.unwrap();
                assert_eq!(is_amended, model.note.is_some());
                model.note = model.note.take().map(|_| text);
            }
            Act::Erase => {
                store.erase(&key, Note::Annotation).await.unwrap();
                model.note = None;
            }
            Act::Trim => {
                let gone = store.trim(key.namespace(), 0).await.unwrap();
                assert_eq!(gone.len(), usize::from(model.stored.is_some()));
                if model.stored.is_some() {
                    *model = Model::default();
                }
            }
        }
        let note = store.note(&key, Note::Annotation).await.unwrap();
        assert_eq!(note, self.models[number].note);
    }
}

fn follows_the_model(place: &dyn Place, steps: &[(usize, usize, Act)]) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let (mut run, started) = (Run::new(place), Instant::now());
        for (handle, number, act) in steps {
            run.step(*handle, *number, *act).await;
            // The model knows no time, and a lease that runs out would contradict it.
            if started.elapsed() > Duration::from_secs(2) {
                return;
            }
        }
        for (number, model) in run.models.iter().enumerate() {
            let stored = model.stored.as_ref().map(Entry::encode);
            assert_eq!(place.stored(&key(number)).await, stored);
        }
    });
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..Default::default() })]

    #[test]
    fn memory_follows_the_model(steps in steps()) {
        follows_the_model(&MemoryPlace::default(), &steps);
    }

    #[test]
    fn the_disk_follows_the_model(steps in steps()) {
        follows_the_model(&DiskPlace::default(), &steps);
    }
}
