//! `list_knowledge_bases`: what the library is made of.

use autri_db::{ScopedTx, content};
use chrono::SecondsFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{arguments, budget};
use crate::calls::{Answer, Call, CallError, cursor};

const NAME: &str = "list_knowledge_bases";
/// Any: all of them are at hand for each page.
const MAX_OFFSET: u32 = u32::MAX;

/// Input of `list_knowledge_bases`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    /// `next_cursor` of the result before.
    cursor: Option<String>,
}

/// Output of `list_knowledge_bases`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// By name.
    knowledge_bases: Vec<KnowledgeBase>,
    /// Pass as `cursor` to get the knowledge bases after these.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_cursor: Option<String>,
}

/// A knowledge base.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(inline)]
pub(super) struct KnowledgeBase {
    /// Its id, for the argument `knowledge_base` of the other tools.
    id: String,
    /// Its name, which those tools take too.
    name: String,
    /// How many documents it holds.
    documents: i64,
    /// When its newest document changed (RFC 3339).
    #[serde(skip_serializing_if = "Option::is_none")]
    updated_at: Option<String>,
}

/// A list whose arguments were read.
pub(super) struct ListKnowledgeBases {
    offset: u32,
}

pub(super) fn prepare(call: &Call) -> Result<ListKnowledgeBases, CallError> {
    let input: Input = arguments::parse(&call.arguments)?;
    let offset = cursor::offset(NAME, &call.arguments, input.cursor.as_deref(), MAX_OFFSET)?;
    Ok(ListKnowledgeBases { offset })
}

impl ListKnowledgeBases {
    pub(super) async fn run(self, call: &Call, tx: &mut ScopedTx) -> Result<Answer, CallError> {
        let found = content::list_knowledge_bases(tx).await?;
        let mut knowledge_bases: Vec<KnowledgeBase> = found
            .into_iter()
            .skip(self.offset as usize)
            .map(|base| KnowledgeBase {
                id: base.id.to_string(),
                name: base.name,
                documents: base.document_count,
                updated_at: base.updated_at.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
            })
            .collect();
        let left = knowledge_bases.len();
        let count = budget::fitting(&knowledge_bases, |base| base.name.len() + 130);
        knowledge_bases.truncate(count);
        let next_offset = self.offset + u32::try_from(count).unwrap_or(MAX_OFFSET);
        let next_cursor =
            (count < left).then(|| cursor::next(NAME, &call.arguments, next_offset)).transpose()?;
        Answer::new(&Output { knowledge_bases, next_cursor }, count)
    }
}
