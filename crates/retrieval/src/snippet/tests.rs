use proptest::prelude::*;

use super::*;
use crate::sanitize;

/// What is shown of the text alone.
fn snippet(text: &str, question: &str, max_chars: usize) -> String {
    let (text, _) = sanitize::clean(text);
    excerpt(&text, 0..text.len(), &Terms::new(question), max_chars).shown
}

const EXPENSES: &str = "# Expenses\n\nKeep every receipt. Travel is booked by the office. Meals are reimbursed up to \
                        40 euros a day. Alcohol is not. Ask your lead when in doubt.";

const HANDBOOK: &str = "## Leave

Everybody has 28 days of leave a year. Days that are not taken by the end of March expire, unless an illness was the \
reason. Ask for leave in the calendar at least two weeks ahead; your lead answers within three days.

## Parental leave

Up to three years for each child. It can be taken in two parts, e.g. twelve months at first. Tell the office seven \
weeks before it begins (see Sec. 4 of the contract). The salary is not paid during this time.

## Sick leave

Call before 9:00 on the first day. From the fourth day on a doctor's note is needed. The insurance sends it to us \
electronically, so nothing has to be handed in.
";

const LIMITS: &str = "Limits of the plans follow. They are checked once an hour.

| Plan | Projects | Storage | Support |
|------|---------:|--------:|---------|
| Free | 3 | 1 GB | forum |
| Team | 50 | 100 GB | e-mail |
| Business | 500 | 2 TB | telephone |
| Enterprise | unlimited | unlimited | own contact |

Projects that are archived do not count. Storage counts every version of a file.
";

const DEPLOY: &str = "# Deploying

The image is built by the pipeline, and nobody deploys by hand. Before the first deploy, log in:

```sh
registry login --user $USER
registry push app:1.2.3
```

To take a release back, use the version before it. The database is not taken back: migrations go forward only.

```sh
deploy rollback --to 1.2.2
# waits until every instance has answered
deploy status
```

Ask the people on call if the status stays yellow. They have the keys of the vault, and the telephone number of the \
provider.
";

const LIST: &str = "What to bring on the first day:

- your tax number; without it we pay you by class VI.
- your social security number
- a passport or identity card, which the office copies
- proof of health insurance
1. Go to the reception. You get a badge there.
2. The badge opens the garage too, but only after 24 hours.
3. Choose a locker on the third floor.
";

const ENGINE: &str = "Version 2.0 of the engine was released on 3. März 2024. Version 1.9.3 still gets fixes. The file \
engine.toml must lie beside the program; otherwise the defaults hold. Mr. Smith of Example Inc. maintains the port for \
Windows. The cache is bounded: it never holds more than 512 MB, however many clients ask. Use --no-cache to go without \
it. Is a restart needed? No! The engine reads engine.toml again when it gets SIGHUP.";

const EXPENSES_ZH: &str = "出差前须经主管批准。餐费每天最多报销四十元。酒类不予报销！交通费按实际金额报销，须附发票。住宿费每晚不超过\
                           三百元。如有疑问，请联系财务部。";

const REISE: &str = "Reisen werden vom Büro gebucht, z. B. Bahn und Hotel. Verpflegung wird bis zu 40 Euro am Tag \
                     erstattet, ggf. auch mehr. Alkohol zahlt die Firma nicht. Belege sind bis zum 3. Januar des \
                     Folgejahres einzureichen. Danach verfällt der Anspruch.";

const LINKS: &str = "See [`Vec::push`](https://docs.example.com/std/vec/struct.Vec.html#method.push \"Vec::push\") for \
                     more. The [capacity](../vec/capacity.html) doubles when it is used up. ![diagram](img/growth.svg) \
                     Elements are moved to the new memory. Calling `buffer[0](x)` is something else.";

/// Words that begin alike and have nothing to do with each other, and words that do and end otherwise.
const MAIL: &str = "Configure the relay before the first message. Configurations are kept with the program, and \
confidential ones in the vault. The policy of the relay is strict. An order is confirmed by letter. Users are kept in a \
table of their own. The police may ask for the log. Make a copy of it first. Usable names have no spaces in them. One \
company runs it for all.";

/// Question, text, room, what must be shown.
const ANSWERS: [(&str, &str, usize, &str); 32] = [
    ("What is reimbursed for a meal per day?", EXPENSES, 70, "Meals are reimbursed up to 40 euros a day."),
    ("Is alcohol paid?", EXPENSES, 60, "Alcohol is not."),
    ("who books my travels", EXPENSES, 60, "Travel is booked by the office."),
    ("How many days of leave do I have?", HANDBOOK, 120, "Everybody has 28 days of leave a year."),
    ("When do days of leave expire?", HANDBOOK, 160, "by the end of March expire"),
    ("parental leave in two parts", HANDBOOK, 140, "two parts, e.g. twelve months at first."),
    ("how long is parental leave", HANDBOOK, 120, "Up to three years for each child."),
    (
        "notice before parental leave begins",
        HANDBOOK,
        150,
        "seven weeks before it begins (see Sec. 4 of the contract).",
    ),
    (
        "When is a doctor's note needed if I am sick?",
        HANDBOOK,
        130,
        "From the fourth day on a doctor's note is needed.",
    ),
    ("leaving: how far ahead must leaves be asked for", HANDBOOK, 160, "at least two weeks ahead"),
    ("storage of the Business plan", LIMITS, 120, "| Plan | Projects | Storage | Support | …\n"),
    ("storage of the Business plan", LIMITS, 120, "\n| Business | 500 | 2 TB | telephone |"),
    ("Do archived projects count?", LIMITS, 100, "Projects that are archived do not count."),
    ("which plan has telephone support", LIMITS, 110, "| Business | 500 | 2 TB | telephone |"),
    ("roll back a release to a version", DEPLOY, 240, "deploy rollback --to 1.2.2"),
    (
        "rollback status",
        DEPLOY,
        140,
        "```sh\ndeploy rollback --to 1.2.2\n# waits until every instance has answered\ndeploy status\n```",
    ),
    ("Are migrations taken back?", DEPLOY, 110, "migrations go forward only."),
    ("who has the keys of the vault", DEPLOY, 120, "They have the keys of the vault"),
    ("tax number on the first day", LIST, 110, "- your tax number; without it we pay you by class VI."),
    (
        "does the badge open the garage",
        LIST,
        100,
        "2. The badge opens the garage too, but only after 24 hours.",
    ),
    ("when was version 2.0 released", ENGINE, 90, "Version 2.0 of the engine was released on 3. März 2024."),
    (
        "who maintains the Windows port",
        ENGINE,
        100,
        "Mr. Smith of Example Inc. maintains the port for Windows.",
    ),
    (
        "where is engine.toml",
        ENGINE,
        120,
        "The file engine.toml must lie beside the program; otherwise the defaults hold.",
    ),
    (
        "maximum size of cache with many clients",
        ENGINE,
        120,
        "it never holds more than 512 MB, however many clients ask.",
    ),
    ("餐费报销多少", EXPENSES_ZH, 24, "餐费每天最多报销四十元。"),
    (
        "Wann verfällt der Anspruch, bis wann Belege einreichen?",
        REISE,
        130,
        "bis zum 3. Januar des Folgejahres einzureichen.",
    ),
    ("what does the police do", MAIL, 60, "The police may ask for the log."),
    ("confirmation", MAIL, 60, "An order is confirmed by letter."),
    ("who is running this", MAIL, 60, "One company runs it for all."),
    ("making copies", MAIL, 60, "Make a copy of it first."),
    ("policies", MAIL, 60, "The policy of the relay is strict."),
    ("when is capacity used up", LINKS, 80, "The capacity doubles when it is used up."),
];

#[test]
fn a_snippet_shows_what_answers() {
    for (question, text, room, expected) in ANSWERS {
        let shown = snippet(text, question, room);
        assert!(shown.contains(expected), "{question}\n{shown}");
        assert!(shown.chars().count() <= room, "{question}\n{shown}");
    }
}

#[test]
fn a_table_keeps_its_head_and_a_block_of_code_its_fences() {
    let shown = snippet(LIMITS, "which plan has telephone support", 110);
    let rows = "…\n| Plan | Projects | Storage | Support | …\n| Business | 500 | 2 TB | telephone | …";
    assert_eq!(shown, rows);
    let shown = snippet(DEPLOY, "who has the rollback status", 140);
    assert_eq!(shown.matches("```").count(), 2, "{shown}");
}

#[test]
fn what_a_question_is_put_with_chooses_no_sentence() {
    let filler = "The siren belongs to the hall and is tested once a month, on a Friday. ".repeat(6);
    let text = format!(
        "```\nlog('this happens later');\n```\n\n{filler}If the siren gives an alarm without a listener, the process ends.\n"
    );
    let shown = snippet(&text, "What happens when a siren gives an alarm and nobody listens?", 200);
    assert!(shown.contains("the process ends") && !shown.contains("happens later"), "{shown}");
}

#[test]
fn a_snippet_begins_with_the_sentence_that_answers_and_goes_on() {
    let snippet = snippet(EXPENSES, "What is reimbursed for a meal per day?", 70);
    assert_eq!(snippet, "… Meals are reimbursed up to 40 euros a day. Alcohol is not. …");
}

#[test]
fn a_short_text_is_its_own_snippet() {
    assert_eq!(snippet("One  line\nonly.", "nothing of it", 400), "One line only.");
    assert_eq!(snippet("", "x", 400), "");
    assert_eq!(snippet(" \n\n---\n", "x", 400), "");
}

#[test]
fn a_heading_is_a_line_of_its_own() {
    assert_eq!(
        snippet(EXPENSES, "travel", 70),
        "# Expenses\nKeep every receipt. Travel is booked by the office. …"
    );
    assert_eq!(snippet("Leave\n=====\nAsk\nfirst.", "leave", 70), "Leave\nAsk first.");
}

#[test]
fn two_runs_are_shown_where_they_answer_more() {
    let shown = snippet(HANDBOOK, "calendar two weeks ahead, and the insurance sends it electronically", 260);
    assert!(shown.contains("Ask for leave in the calendar at least two weeks ahead"), "{shown}");
    assert!(shown.contains("The insurance sends it to us electronically"), "{shown}");
    assert!(shown.starts_with("… ") && shown.matches('…').count() <= 4, "{shown}");
}

#[test]
fn words_that_all_passages_have_tell_less() {
    let text = "Granite is a rock. Granite is grey. Granite is polished with felt. Granite is old.";
    let mut terms = Terms::new("granite polishing rock");
    let of = |text: &str| {
        let mut found = 0;
        each_word(text, |word| found |= terms.find(word));
        found
    };
    let others = [of("granite rock"), of("granite rock"), of("granite rock"), of(text)];
    terms.weigh(&others);
    let shown = excerpt(text, 0..text.len(), &terms, 45).shown;
    assert!(shown.contains("polished"), "{shown}");
}

#[test]
fn of_equal_runs_the_one_in_the_best_chunk_is_shown() {
    let text = "Leave is granted by the lead. Nothing else here. Leave is granted by the office. Or so.";
    let second = text.find("Leave is granted by the office").unwrap();
    let terms = Terms::new("who grants leave");
    let shown = |home: Range<usize>| excerpt(text, home, &terms, 50).shown;
    assert!(shown(0..second).contains("lead."), "{}", shown(0..second));
    assert!(shown(second..text.len()).contains("office."), "{}", shown(second..text.len()));
}

#[test]
fn a_table_of_contents_is_no_answer() {
    let text = "- Parental leave\n- Sick leave\n- Expenses\n\nIt is long enough to need a choice between its parts.\n\n\
                Parental leave lasts three years.\n\nThe rest says nothing about it at all, at some length.";
    assert!(snippet(text, "parental leave", 70).contains("lasts three years"));
}

#[test]
fn a_long_sentence_is_cut_at_a_clause_or_between_words() {
    let clause = "the pressure falls, while the temperature stays what it was; ";
    let text = format!("In the tank {}but then the valve opens, and the alarm sounds.", clause.repeat(20));
    let shown = snippet(&text, "when does the valve open", 120);
    assert!(shown.contains("but then the valve opens, and the alarm sounds."), "{shown}");
    assert!(shown.starts_with("… "), "{shown}");
    let words = format!("start {}goal here", "filler ".repeat(200));
    for word in snippet(&words, "goal", 100).split_whitespace() {
        assert!(["…", "start", "filler", "goal", "here"].contains(&word), "{word}");
    }
}

#[test]
fn a_word_without_end_is_cut_between_characters_as_people_see_them() {
    for grapheme in ["ä", "e\u{301}\u{308}", "👩\u{200d}👩\u{200d}👧", "한"] {
        let shown = snippet(&grapheme.repeat(2_000), "x", 100);
        assert!(shown.chars().count() <= 100, "{shown}");
        let without = shown.trim_end_matches('…').replace(&*sanitize::clean(grapheme).0, "");
        assert_eq!((without.as_str(), shown.ends_with('…')), ("", true), "{shown}");
    }
}

#[test]
fn what_people_do_not_see_is_not_shown() {
    let shown = snippet("Open\u{202e} the\u{200b} door\u{7}.\n\n    a\tb\n", "door", 100);
    assert_eq!(shown, "Open the door.\n    a    b");
}

#[test]
fn links_are_shown_by_their_text() {
    assert_eq!(
        snippet(LINKS, "vec", 400),
        "See `Vec::push` for more. The capacity doubles when it is used up. diagram Elements are moved to the new \
         memory. Calling `buffer[0](x)` is something else."
    );
}

#[test]
fn code_that_is_too_long_is_shown_by_lines() {
    let lines = (0..60).map(|number| format!("    step_{number}();\n")).collect::<Vec<_>>().concat();
    let text = format!("Before.\n\n```rust\nfn main() {{\n{lines}}}\n```\n\nAfter.");
    let shown = snippet(&text, "step 42", 120);
    assert!(shown.contains("\n    step_42();\n    step_43();\n"), "{shown}");
}

proptest! {
    #[test]
    fn a_snippet_is_bounded_whole_and_of_the_text(
        text in "([a-zä石。.!?|#`>*\\-\\[\\]() \n\t]|\u{301}|\u{200d}|👩|1\\. |```\n|\\| --- \\|\n|e\\.g\\. ){0,120}",
        question in "[a-zä石 \"-]{0,20}",
        room in 1_usize..200,
    ) {
        let shown = snippet(&text, &question, room);
        prop_assert!(shown.chars().count() <= room.max(1), "{shown}");
        prop_assert!(shown.chars().all(|char| char == '\n' || !char.is_control()), "{shown:?}");
        let (whole, _) = sanitize::clean(&text);
        // No words but the text's, unless one had to be cut.
        let mut all = Vec::new();
        each_word(&whole, |word| all.push(word.to_owned()));
        each_word(&shown, |word| assert!(all.iter().any(|known| known.contains(word)), "{word}"));
        for span in excerpt(&whole, 0..whole.len(), &Terms::new(&question), room).spans {
            prop_assert!(whole.is_char_boundary(span.start) && whole.is_char_boundary(span.end));
        }
        let has_words = { let mut any = false; each_word(&whole, |_| any = true); any };
        prop_assert!(!has_words || !shown.is_empty());
    }
}
