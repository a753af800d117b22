//! Web pages that a parser which does all that the standard says would take hours for.

use super::Expected::{Error, Text};
use super::Odd;

/// Attributes, each by another name.
fn attributes(count: usize) -> String {
    (0..count).map(|index| format!(" a{index}")).collect::<Vec<_>>().concat()
}

pub(crate) fn odd_files() -> Vec<Odd> {
    let too_many = || Error("more than 10000 attributes in tags that have 100 already: is a `>` missing?");
    let of_a_tag = attributes(10_200);
    let values = (0..10_200).map(|index| format!("a{index}=\">\" ")).collect::<Vec<_>>().concat();
    let repeated = (0..20_000).map(|index| format!("<body a{index}>")).collect::<Vec<_>>().concat();
    // Each is compared with those around it, its attributes sorted.
    let formatting = (0..300)
        .map(|index| format!("<font{} b{index}></font>", attributes(90)))
        .collect::<Vec<_>>()
        .concat();
    vec![
        Odd::html("a tag of 10,200 attributes", format!("<p>text<p{of_a_tag}>"), too_many()),
        Odd::html("10,200 attributes with values", format!("<p>text<p {values}>"), too_many()),
        Odd::html("10,200 attributes without an end", format!("<p>text<p{of_a_tag}"), too_many()),
        Odd::html("10,200 attributes of a closing tag", format!("<p>text</p{of_a_tag}>"), too_many()),
        Odd::html("200 tags of 200 attributes", format!("<br{}>", attributes(200)).repeat(200), too_many()),
        Odd::html("one body in 20,000 tags", format!("<p>text{repeated}"), too_many()),
        Odd::html(
            "a long script that looks like a tag",
            format!("<p>text<script>for(i=0;i<n;i++){{{of_a_tag}}}</script>"),
            Text("text", "a1"),
        ),
        Odd::html(
            "a picture in a value",
            format!(
                "<p>text<img alt=shown src=\"data:image/png;base64,{}\">",
                "iVBORw0KGgo/ AAAA".repeat(50_000)
            ),
            Text("text", "iVBORw"),
        ),
        Odd::html(
            "30,000 elements put before a table",
            format!("<p>text<table>{}", "x<br>".repeat(30_000)),
            Text("text", ""),
        ),
        Odd::html(
            "elements 100,000 deep before a table",
            format!("text<table>{}", "<b>".repeat(100_000)),
            Error("nested too deeply: more than 512 elements inside each other"),
        ),
        Odd::html(
            "closing tags of nothing, deep inside",
            format!("text{}{}", "<x>".repeat(500), "</y>".repeat(220_000)),
            Error("too many tags inside too many open elements: more than 100000000, multiplied"),
        ),
        Odd::html(
            "formatting tags of many attributes inside each other",
            format!("text{}{}", formatting.replace("</font>", ""), formatting.repeat(10)),
            Error("too many tags inside too many open elements: more than 100000000, multiplied"),
        ),
    ]
}
