//! Up to three operators at once, in any order of their calls: nobody's change is lost.

use std::sync::Mutex;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

use autri_admission::{
    Allowlist, EditedList, EmailAddress, Entry, IfMissing, ListEditError, add_entry, edit_allowlist,
    remove_entry,
};
use autri_aws::test_support::Reply;
use autri_aws::{AwsConfig, ParameterStore};
use proptest::prelude::*;
use serde_json::Value;

use crate::store::{NAME, Store};

#[derive(Debug, Clone)]
enum Change {
    Add(Entry),
    Remove(Entry),
}

/// An operator's process: it waits at each call until it is its turn.
struct Operator {
    change: Change,
    calls: Receiver<(String, Value)>,
    replies: Sender<Reply>,
    running: JoinHandle<Result<EditedList, ListEditError>>,
}

impl Operator {
    fn start(change: Change) -> Self {
        let (called, calls) = channel();
        let (replies, incoming) = channel();
        let ours = change.clone();
        let incoming = Mutex::new(incoming);
        let running = std::thread::spawn(move || {
            let aws = AwsConfig::answered_by(move |operation, input| {
                called.send((operation.to_owned(), input.clone())).unwrap();
                incoming.lock().unwrap().recv().unwrap()
            });
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(edit_allowlist(
                &ParameterStore::new(&aws),
                NAME,
                IfMissing::Create,
                |text, kind| match &ours {
                    Change::Add(entry) => add_entry(text, kind, entry),
                    Change::Remove(entry) => Ok(remove_entry(text, entry)),
                },
            ))
        });
        Self { change, calls, replies, running }
    }

    /// Lets it make its next call, and whether there was one.
    fn step(&self, store: &Store) -> bool {
        let Ok((operation, input)) = self.calls.recv() else { return false };
        self.replies.send(store.answer(&operation, &input)).unwrap();
        true
    }
}

/// Runs all to their end; `turns` says whose turn it is, as long as it lasts.
fn run(
    store: &Store,
    changes: Vec<Change>,
    turns: &[usize],
) -> Vec<(Change, Result<EditedList, ListEditError>)> {
    let operators: Vec<Operator> = changes.into_iter().map(Operator::start).collect();
    let mut waiting: Vec<&Operator> = operators.iter().collect();
    let mut turns = turns.iter().copied();
    while !waiting.is_empty() {
        let next = turns.next().unwrap_or_default() % waiting.len();
        if !waiting[next].step(store) {
            waiting.remove(next);
        }
    }
    operators.into_iter().map(|operator| (operator.change, operator.running.join().unwrap())).collect()
}

fn address(entry: &Entry) -> EmailAddress {
    entry.to_string().parse().unwrap()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 250, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobodys_change_is_lost(
        kind in prop_oneof!["String", "StringList", "SecureString"],
        is_addition in proptest::collection::vec(any::<bool>(), 2..4),
        turns in proptest::collection::vec(0_usize..12, 0..40),
    ) {
        let listed: Vec<String> = (0..is_addition.len()).map(|number| format!("old{number}@example.com")).collect();
        let store = Store::with(&listed.join(","), &kind);
        let changes = is_addition.iter().enumerate().map(|(number, is_addition)| match is_addition {
            true => Change::Add(format!("new{number}@example.com").parse().unwrap()),
            false => Change::Remove(listed[number].parse().unwrap()),
        });
        let done = run(&store, changes.collect(), &turns);
        let list = Allowlist::parse(&store.current().0);
        for (change, result) in &done {
            prop_assert!(result.as_ref().is_ok_and(|edited| edited.is_changed), "{change:?} {result:?}");
            match change {
                Change::Add(entry) => prop_assert!(list.contains(&address(entry)), "{:#?}", store.history()),
                Change::Remove(entry) => prop_assert!(!list.contains(&address(entry)), "{:#?}", store.history()),
            }
        }
        let additions = is_addition.iter().filter(|is_addition| **is_addition).count();
        prop_assert_eq!(list.len(), 2 * additions, "those who were not touched are still there");
    }
}
