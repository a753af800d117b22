use crate::{DocumentFormat, Limits, parse_document};

fn text(format: DocumentFormat, source: &str) -> String {
    let document = parse_document("x", source.as_bytes(), format, &Limits::default()).unwrap();
    document.text.trim().to_owned()
}

fn html(source: &str) -> String {
    text(DocumentFormat::Html, source)
}

#[test]
fn cells_that_reach_over_others_keep_the_columns() {
    for (rows, expected) in [
        (
            "<tr><th>Plan<th>Setup<th>Monthly<tr><td colspan=2>Pro (no setup fee)<td>25 EUR",
            "| Plan | Setup | Monthly |\n| --- | --- | --- |\n| Pro (no setup fee) |  | 25 EUR |",
        ),
        (
            "<tr><th>Region<th>City<tr><td rowspan=2>North<td>Oslo<tr><td>Bergen<tr><td>South<td>Rome",
            "| Region | City |\n| --- | --- |\n| North | Oslo |\n| North | Bergen |\n| South | Rome |",
        ),
        (
            "<thead><tr><th rowspan=2>Year<th colspan=2>Sales<tr><th>Q1<th>Q2<tbody><tr><td>2023<td>1<td>2",
            "| Year | Sales |  |\n| --- | --- | --- |\n| Year | Q1 | Q2 |\n| 2023 | 1 | 2 |",
        ),
        // Two that reach down, one of them in the midst; the third row has room at the end alone.
        (
            "<tr><td rowspan=3>a<td>b<td rowspan=3 colspan=2>c<td>d<tr><td>e<td>f<tr><td>g",
            "| a | b | c | d |\n| --- | --- | --- | --- |\n| a | e | c | f |\n| a | g | c |",
        ),
        // To the end of its group, and no further.
        (
            "<tbody><tr><td rowspan=0>a<td>b<tr><td>c<tbody><tr><td>d<td>e",
            "| a | b |\n| --- | --- |\n| a | c |\n| d | e |",
        ),
        ("<tbody><tr><td rowspan=9>a<td>b<tbody><tr><td>c<td>d", "| a | b |\n| --- | --- |\n| c | d |"),
        // A row of nothing but what reaches into it.
        ("<tr><td rowspan=2>a<td rowspan=2>b<tr><tr><td>c<td>d", "| a | b |\n| --- | --- |\n| c | d |"),
        (
            "<tr><td colspan='x'>a<td colspan=0>b<tr><td colspan=' +1px'>c<td rowspan=-1>d<tr><td>e<td>f",
            "| a | b |\n| --- | --- |\n| c | d |\n| e | f |",
        ),
    ] {
        assert_eq!(html(&format!("<table>{rows}</table>")), expected, "{rows}");
    }
}

#[test]
fn tables_written_into_markdown_read_alike() {
    let source = "# Plans\n\n<table>\n<tr><th>Plan</th><th>Setup</th><th>Monthly</th></tr>\n<tr><td \
                  colspan=\"2\">Pro</td><td>25 EUR</td></tr>\n</table>\n";
    assert_eq!(
        text(DocumentFormat::Markdown, source),
        "# Plans\n\n| Plan | Setup | Monthly |\n| --- | --- | --- |\n| Pro |  | 25 EUR |"
    );
}

#[test]
fn hostile_spans_cost_no_more_than_their_text() {
    let huge = "9".repeat(40);
    let spans = format!("colspan={huge} rowspan={huge}");
    for rows in [
        format!("<tr><td {spans}>a<td>b").repeat(2_000),
        format!("<tr>{}", "<td rowspan=65534>a".repeat(3_000)) + &"<tr>".repeat(100_000),
        format!("<tr>{}", "<td>a".repeat(3_000))
            + &"<tr><td colspan=1000><td colspan=1000><td>b".repeat(3_000),
        format!("<tr><td rowspan=0>{}<td>b", "long ".repeat(10_000)) + &"<tr><td>c".repeat(10_000),
    ] {
        let table = format!("<table>{rows}</table>");
        let markdown = html(&table);
        assert!(markdown.len() < 8 * table.len(), "{} from {}", markdown.len(), table.len());
    }
}
