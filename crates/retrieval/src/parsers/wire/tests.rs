use super::*;

const LIMITS: Limits = Limits {
    max_file_bytes: 1_000,
    max_packed_bytes: 1_000,
    max_unpacked_bytes: 1_000,
    max_pages: 3,
    max_chunks: 3,
    max_parse_time: std::time::Duration::from_secs(1),
};

fn parsed(title: &str, page_starts: &[usize], pieces: &[(usize, &[&str])]) -> Parsed {
    Parsed {
        title: title.to_owned(),
        syntax: Syntax::Markdown,
        page_starts: page_starts.to_vec(),
        removed: RemovedCounts::default(),
        pages_without_text: 0,
        pieces: pieces
            .iter()
            .map(|(end, headings)| PieceEnd {
                end: *end,
                heading_path: headings.iter().map(|heading| (*heading).to_owned()).collect(),
            })
            .collect(),
    }
}

/// What the parent makes of an answer.
async fn read(parsed: Parsed, text: &[u8]) -> Result<PreparedDocument, NoAnswer> {
    let mut frame = frame_head(&Answer { number: 7, outcome: Ok(parsed) }, text.len()).unwrap();
    frame.extend(text);
    read_answer(&mut frame.as_slice(), 7, None, &LIMITS).await.map(Result::unwrap)
}

#[tokio::test]
async fn a_sound_answer_is_a_document() {
    let prepared = read(parsed("Title", &[0, 4], &[(4, &["A"]), (7, &[])]), b"one\ntwo").await.unwrap();
    let chunks: Vec<_> =
        prepared.chunks.iter().map(|chunk| (chunk.text.as_str(), chunk.page, chunk.ordinal)).collect();
    assert_eq!(chunks, [("one\n", Some(1), 0), ("two", Some(2), 1)]);
}

#[tokio::test]
async fn an_unsound_answer_is_refused() {
    let long = "x".repeat(301);
    for (what, answer, text) in [
        ("a gap at the end", parsed("T", &[], &[(3, &[])]), &b"one two"[..]),
        ("a piece beyond the end", parsed("T", &[], &[(9, &[])]), b"one"),
        ("pieces that go back", parsed("T", &[], &[(3, &[]), (2, &[])]), b"one"),
        ("a cut in a character", parsed("T", &[], &[(1, &[]), (2, &[])]), "é".as_bytes()),
        ("no pieces", parsed("T", &[], &[]), b""),
        ("a blank piece", parsed("T", &[], &[(3, &[]), (4, &[])]), b"one "),
        ("more pieces than the limit", parsed("T", &[], &[(1, &[]), (2, &[]), (3, &[]), (4, &[])]), b"abcd"),
        ("a piece that is too large", parsed("T", &[], &[(2_001, &[])]), &[b'x'; 2_001]),
        ("a terminal's escape", parsed("T", &[], &[(5, &[])]), b"\x1b[31m"),
        ("an override of direction", parsed("T", &[], &[(4, &[])]), "a\u{202e}".as_bytes()),
        ("bytes that are no text", parsed("T", &[], &[(2, &[])]), b"\xff\xfe"),
        ("no title", parsed("", &[], &[(1, &[])]), b"x"),
        ("a title of two lines", parsed("a\nb", &[], &[(1, &[])]), b"x"),
        ("an escape in the title", parsed("a\u{1b}[0m", &[], &[(1, &[])]), b"x"),
        ("a title that is too long", parsed(&long, &[], &[(1, &[])]), b"x"),
        ("a heading that is too long", parsed("T", &[], &[(1, &[&long])]), b"x"),
        ("an escape in a heading", parsed("T", &[], &[(1, &["\u{1b}"])]), b"x"),
        ("headings that are too deep", parsed("T", &[], &[(1, &["h"; 7])]), b"x"),
        ("pages that go back", parsed("T", &[1, 0], &[(1, &[])]), b"x"),
        ("a page beyond the end", parsed("T", &[0, 2], &[(1, &[])]), b"x"),
        ("more pages than the limit", parsed("T", &[0, 0, 0, 0], &[(1, &[])]), b"x"),
        (
            "more pages without text than pages",
            Parsed { pages_without_text: 2, ..parsed("T", &[0], &[(1, &[])]) },
            b"x",
        ),
    ] {
        assert!(matches!(read(answer, text).await, Err(NoAnswer::Unsound)), "{what}");
    }
}

#[tokio::test]
async fn an_answer_to_another_question_is_refused() {
    let answer = Answer { number: 6, outcome: Err(ParseError::NoText) };
    let frame = frame_head(&answer, 0).unwrap();
    let read = read_answer(&mut frame.as_slice(), 7, None, &LIMITS).await;
    assert!(matches!(read, Err(NoAnswer::Unsound)));
}

#[tokio::test]
async fn a_child_cannot_say_what_only_the_parent_knows() {
    for variant in ["UnsoundAnswer", "TooMuchMemory", "ParserDied", "NotStarted"] {
        let header = format!("{{\"number\":7,\"outcome\":{{\"Err\":{{\"{variant}\":\"Pdf\"}}}}}}");
        let mut frame = u32::try_from(header.len()).unwrap().to_le_bytes().to_vec();
        frame.extend(0_u32.to_le_bytes());
        frame.extend(header.as_bytes());
        let read = read_answer(&mut frame.as_slice(), 7, None, &LIMITS).await;
        assert!(matches!(read, Err(NoAnswer::Unsound)), "{variant}");
    }
}

#[tokio::test]
async fn lengths_are_limited_and_not_believed() {
    let huge = [0xff; 8];
    assert!(matches!(read_answer(&mut &huge[..], 7, None, &LIMITS).await, Err(NoAnswer::Unsound)));
    let cut_off = [100, 0, 0, 0, 0, 0, 0, 0, b'{'];
    assert!(matches!(read_answer(&mut &cut_off[..], 7, None, &LIMITS).await, Err(NoAnswer::Gone)));
    assert!(read_question(&mut &huge[..]).is_err());
    assert!(read_question(&mut &cut_off[..]).is_err());
    assert!(matches!(read_question(&mut &b""[..]), Ok(None)));
}

#[test]
fn a_question_arrives_as_it_was_asked() {
    let document = DocumentInput {
        key: "a/b.pdf".to_owned(),
        title: Some("T".to_owned()),
        format: DocumentFormat::Pdf,
        source_url: None,
        bytes: b"bytes".to_vec(),
    };
    let mut frame = question_head(3, &document, LIMITS).unwrap();
    frame.extend(&document.bytes);
    let (question, bytes) = read_question(&mut frame.as_slice()).unwrap().unwrap();
    let expected = Question {
        number: 3,
        key: "a/b.pdf".to_owned(),
        title: Some("T".to_owned()),
        format: DocumentFormat::Pdf,
        limits: LIMITS,
    };
    assert_eq!((question, bytes), (expected, b"bytes".to_vec()));
}
