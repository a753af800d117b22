//! Changing the allowlist where it is kept. Parameter Store has no conditional write, so two operators can overwrite each
//! other's change: the version that a write returns tells, and the history has what was overwritten.

use autri_aws::{AwsError, Parameter, ParameterKind, ParameterStore};

use crate::edit::{has_same_parts, with_entries};
use crate::history::History;
use crate::{Allowlist, Edit, ListTooLong};

/// How many versions before the one that we read another writer may have read whose write comes after our reading.
const VERSIONS_BEFORE: i64 = 8;

/// How often a list is written before we give up. As many as are needed when three write at the same moment, in whatever
/// order their calls come: all three changes are kept then. With more, it is mostly given up, and a change can be lost.
const MAX_WRITES: usize = 3;

/// How an edit left the list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EditedList {
    /// Whether it had to be written.
    pub is_changed: bool,
    /// The list as it is now: an address may still be listed by its domain.
    pub list: Allowlist,
}

/// What to do when there is no such parameter. A wrong name or region looks the same, and a second list that nobody reads
/// would seem to invite people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IfMissing {
    /// Make it, as a `String`, if there is something to write.
    Create,
    /// Report it.
    Fail,
}

/// Why the list was not, or not certainly, changed.
#[derive(Debug, thiserror::Error)]
pub enum ListEditError {
    /// There is no such parameter: look at its name, the region and the account, or create it.
    #[error("there is no such parameter in this region and account")]
    Missing,
    /// It could not be read.
    #[error("the allowlist could not be read")]
    Read(#[source] AwsError),
    /// It could not be written.
    #[error("the allowlist could not be written")]
    Write(#[source] AwsError),
    /// The change does not fit.
    #[error(transparent)]
    TooLong(#[from] ListTooLong),
    /// Somebody overwrote each attempt: look at the list and try again.
    #[error("the allowlist was changed by others at each of {MAX_WRITES} attempts; look at it and try again")]
    Contended,
}

/// Changes the list in the parameter `name`, and keeps what others change at the same time. The parameter's kind stays what
/// it is.
///
/// `change` is an edit of entries, such as [`crate::add_entry`] or [`crate::remove_entry`]; it is asked once.
///
/// # Errors
/// See [`ListEditError`]. After [`ListEditError::Write`], [`ListEditError::Read`] or [`ListEditError::Contended`] the
/// change may be there and another's gone: look at the list.
pub async fn edit_allowlist(
    store: &ParameterStore,
    name: &str,
    if_missing: IfMissing,
    change: impl Fn(&str, ParameterKind) -> Result<Edit, ListTooLong>,
) -> Result<EditedList, ListEditError> {
    let base = current(store, name, if_missing).await?;
    let mut ours = match change(&base.value, base.kind)? {
        Edit::Unchanged => return Ok(EditedList::new(false, &base.value)),
        Edit::Changed(text) => text,
    };
    let mut kind = base.kind;
    let mut expected = base.version + 1;
    let mut history: Option<History> = None;
    for _ in 0..MAX_WRITES {
        let written = store.put(name, &ours, kind).await.map_err(ListEditError::Write)?;
        if written <= expected {
            // Lower, if the parameter was deleted meanwhile: there is nothing before version 1 to overwrite.
            return Ok(EditedList::new(true, &ours));
        }
        let history =
            history.get_or_insert_with(|| History::new((base.version, &base.value), (written, &ours)));
        history.add(written, &ours, true);
        for version in (base.version - VERSIONS_BEFORE).max(1)..base.version {
            read_if_kept(store, name, version, history).await?;
        }
        for version in base.version + 1..written {
            kind = read(store, name, version, history).await?.unwrap_or(kind);
        }
        let merged = with_entries(history.text(written - 1), kind, &history.intended(written - 1))?;
        if has_same_parts(&merged, &ours) {
            return Ok(EditedList::new(true, &ours));
        }
        (ours, expected) = (merged, written + 1);
    }
    Err(ListEditError::Contended)
}

/// Reads a version that is not known yet, and returns its kind.
async fn read(
    store: &ParameterStore,
    name: &str,
    version: i64,
    history: &mut History,
) -> Result<Option<ParameterKind>, ListEditError> {
    if history.has(version) {
        return Ok(None);
    }
    let parameter = store.at_version(name, version).await.map_err(ListEditError::Read)?;
    history.add(version, &parameter.value, false);
    Ok(Some(parameter.kind))
}

/// The store keeps the last hundred versions, and none of before the parameter was made anew.
async fn read_if_kept(
    store: &ParameterStore,
    name: &str,
    version: i64,
    history: &mut History,
) -> Result<(), ListEditError> {
    match read(store, name, version, history).await {
        Ok(_) | Err(ListEditError::Read(AwsError::NotFound(_))) => Ok(()),
        Err(error) => Err(error),
    }
}

impl EditedList {
    fn new(is_changed: bool, text: &str) -> Self {
        Self { is_changed, list: Allowlist::parse(text) }
    }
}

/// The parameter, or an empty one of the version 0 that precedes the first.
async fn current(
    store: &ParameterStore,
    name: &str,
    if_missing: IfMissing,
) -> Result<Parameter, ListEditError> {
    match store.get(name).await {
        Ok(parameter) => Ok(parameter),
        Err(AwsError::NotFound(_)) => match if_missing {
            IfMissing::Create => {
                Ok(Parameter { value: String::new(), version: 0, kind: ParameterKind::String })
            }
            IfMissing::Fail => Err(ListEditError::Missing),
        },
        Err(error) => Err(ListEditError::Read(error)),
    }
}
