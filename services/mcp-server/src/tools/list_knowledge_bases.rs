//! `list_knowledge_bases`: what the library is made of.

use autri_db::{ScopedTx, content};
use chrono::SecondsFormat;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{arguments, budget};
use crate::calls::{Answer, Call, CallError};

/// Input of `list_knowledge_bases`: none.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {}

/// Output of `list_knowledge_bases`.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Output {
    /// By name.
    knowledge_bases: Vec<KnowledgeBase>,
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
pub(super) struct ListKnowledgeBases;

pub(super) fn prepare(call: &Call) -> Result<ListKnowledgeBases, CallError> {
    let Input {} = arguments::parse(&call.arguments)?;
    Ok(ListKnowledgeBases)
}

impl ListKnowledgeBases {
    pub(super) async fn run(self, tx: &mut ScopedTx) -> Result<Answer, CallError> {
        let found = content::list_knowledge_bases(tx).await?;
        let mut knowledge_bases: Vec<KnowledgeBase> = found
            .into_iter()
            .map(|base| KnowledgeBase {
                id: base.id.to_string(),
                name: base.name,
                documents: base.document_count,
                updated_at: base.updated_at.map(|time| time.to_rfc3339_opts(SecondsFormat::Secs, true)),
            })
            .collect();
        knowledge_bases.truncate(budget::fitting(&knowledge_bases, |base| base.name.len() + 130));
        let count = knowledge_bases.len();
        Answer::new(&Output { knowledge_bases }, count)
    }
}
