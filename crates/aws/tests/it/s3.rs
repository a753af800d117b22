//! Listing a bucket and reading its objects, over S3's own protocol.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime};

use autri_aws::test_support::http::{HttpReply, HttpRequest};
use autri_aws::{AwsConfig, AwsError, S3Bucket, S3Object, S3Page, S3ReadError};

fn bucket(answer: impl Fn(&HttpRequest) -> HttpReply + Send + Sync + 'static) -> S3Bucket {
    S3Bucket::new(&AwsConfig::answered_over_http(answer), "team-docs")
}

/// A page of a listing, as S3 writes it.
fn listing(objects: &str, more: &str) -> HttpReply {
    HttpReply::new(
        200,
        format!(
            r#"<?xml version="1.0" encoding="UTF-8"?>
               <ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>team-docs</Name>
               <EncodingType>url</EncodingType>{more}{objects}</ListBucketResult>"#
        ),
    )
}

fn refusal(status: u16, code: &str) -> HttpReply {
    HttpReply::new(
        status,
        format!(r#"<?xml version="1.0"?><Error><Code>{code}</Code><Message>why</Message></Error>"#),
    )
}

const LAST: &str = "<IsTruncated>false</IsTruncated>";

const ONE: &str = "<Contents><Key>a.md</Key><ETag>&quot;1&quot;</ETag><Size>3</Size></Contents>";

fn object(size: u64) -> S3Object {
    S3Object { key: "a b/ü.md".to_owned(), etag: "\"1\"".to_owned(), size, modified: None }
}

async fn refused_list(reply: HttpReply) -> AwsError {
    bucket(move |_| reply.clone()).list("docs/", None).await.unwrap_err()
}

async fn refused_read(reply: HttpReply) -> S3ReadError {
    bucket(move |_| reply.clone()).read(&object(3), 10).await.unwrap_err()
}

#[tokio::test]
async fn a_bucket_is_listed_page_by_page() {
    let bucket = bucket(|request| {
        assert!(
            request.uri.contains("list-type=2") && request.uri.contains("encoding-type=url"),
            "{request:?}"
        );
        assert!(request.uri.contains("prefix=docs%2Fa%20b%2F"), "{request:?}");
        if request.uri.contains("continuation-token=next%2B1") {
            listing(ONE, LAST)
        } else {
            let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>next+1</NextContinuationToken>";
            listing("", more)
        }
    });
    let first = bucket.list("docs/a b/", None).await.unwrap();
    assert_eq!(first, S3Page { objects: Vec::new(), continuation: Some("next+1".to_owned()) });
    let second = bucket.list("docs/a b/", first.continuation.as_deref()).await.unwrap();
    assert_eq!((second.objects.len(), second.continuation), (1, None));
}

#[tokio::test]
async fn keys_come_as_they_were_given() {
    for (encoded, key) in [
        ("a.md", "a.md"),
        ("a+b%2Bc.md", "a b+c.md"),
        ("%C3%BC%E5%85%A5%2F..%2F%2F.md", "ü入/..//.md"),
        ("a%01%0A%E2%80%AE.md", "a\u{1}\n\u{202e}.md"),
        ("a%2520b", "a%20b"),
    ] {
        let contents = format!(
            "<Contents><Key>{encoded}</Key><ETag>&quot;d41d8-2&quot;</ETag><Size>7</Size>
             <LastModified>2026-11-21T12:00:01.000Z</LastModified></Contents>"
        );
        let page = bucket(move |_| listing(&contents, LAST)).list("", None).await.unwrap();
        let modified = SystemTime::UNIX_EPOCH + Duration::from_secs(1_795_262_401);
        let expected = S3Object {
            key: key.to_owned(),
            etag: "\"d41d8-2\"".to_owned(),
            size: 7,
            modified: Some(modified),
        };
        assert_eq!(page.objects, [expected], "{encoded}");
    }
}

#[tokio::test]
async fn a_page_that_lacks_a_part_is_no_page() {
    for (objects, more) in [
        ("<Contents><ETag>1</ETag><Size>3</Size></Contents>", LAST),
        ("<Contents><Key>a</Key><Size>3</Size></Contents>", LAST),
        ("<Contents><Key>a</Key><ETag>1</ETag></Contents>", LAST),
        ("<Contents><Key>a</Key><ETag>1</ETag><Size>-1</Size></Contents>", LAST),
        ("<Contents><Key>%ff</Key><ETag>1</ETag><Size>3</Size></Contents>", LAST),
        (ONE, "<IsTruncated>true</IsTruncated>"),
        (ONE, ""),
        (ONE, "<NextContinuationToken>next</NextContinuationToken>"),
    ] {
        let error = refused_list(listing(objects, more)).await;
        let AwsError::Rejected { code, .. } = &error else { panic!("{objects}{more}: {error:?}") };
        assert_eq!(code, "incomplete answer", "{objects}{more}");
    }
}

#[tokio::test]
async fn a_listing_that_does_not_go_on_is_not_asked_for_ever() {
    let more = "<IsTruncated>true</IsTruncated><NextContinuationToken>here</NextContinuationToken>";
    let bucket = bucket(move |_| listing(ONE, more));
    assert_eq!(bucket.list("", None).await.unwrap().continuation.as_deref(), Some("here"));
    let error = bucket.list("", Some("here")).await.unwrap_err();
    let AwsError::Rejected { message, .. } = &error else { panic!("{error:?}") };
    assert!(message.contains("no new NextContinuationToken"), "{message}");
}

#[tokio::test]
async fn a_listing_that_fails_says_what_to_do() {
    assert!(matches!(refused_list(refusal(404, "NoSuchBucket")).await, AwsError::NotFound(_)));
    for code in
        ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"]
    {
        let error = refused_list(refusal(403, code)).await;
        assert!(matches!(error, AwsError::Denied(_)), "{code}: {error:?}");
    }
    assert!(matches!(refused_list(refusal(503, "SlowDown")).await, AwsError::Busy(_)));
    assert!(matches!(refused_list(refusal(500, "InternalError")).await, AwsError::Unavailable(_)));
    let redirected = refused_list(refusal(301, "PermanentRedirect")).await;
    assert!(
        matches!(&redirected, AwsError::Rejected { code, .. } if code == "PermanentRedirect"),
        "{redirected:?}"
    );
}

#[tokio::test]
async fn an_object_is_read_as_it_was_listed() {
    let bucket = bucket(|request| {
        assert!(request.uri.contains("/a%20b/%C3%BC.md"), "{request:?}");
        assert_eq!(request.header("if-match"), Some("\"1\""));
        HttpReply::new(200, "abc")
    });
    assert_eq!(bucket.read(&object(3), 3).await.unwrap(), b"abc");
}

#[tokio::test]
async fn no_more_is_read_than_was_asked_for() {
    for said in [3, 30] {
        let error =
            bucket(|_| HttpReply::new(200, "x".repeat(30))).read(&object(said), 10).await.unwrap_err();
        assert!(matches!(error, S3ReadError::TooLarge { limit: 10 }), "{said}: {error:?}");
    }
}

#[tokio::test]
async fn an_object_that_does_not_come_whole_is_asked_for_again() {
    for (whole_at, is_read) in [(3, true), (4, false)] {
        let asked = Arc::new(AtomicU32::new(0));
        let count = Arc::clone(&asked);
        let bucket = bucket(move |_| {
            let attempt = count.fetch_add(1, Ordering::Relaxed) + 1;
            HttpReply::new(200, if attempt == whole_at { "abc" } else { "ab" })
        });
        match bucket.read(&object(3), 10).await {
            Ok(bytes) => assert!(is_read && bytes == b"abc", "{whole_at}"),
            Err(error) => {
                assert!(!is_read && matches!(error, S3ReadError::Unreadable(_)), "{whole_at}: {error:?}");
                assert!(error.to_string().contains("3 tries"), "{error}");
            }
        }
        assert_eq!(asked.load(Ordering::Relaxed), 3);
    }
}

#[tokio::test]
async fn one_objects_failure_is_told_from_everyones() {
    assert!(matches!(refused_read(refusal(412, "PreconditionFailed")).await, S3ReadError::Changed));
    assert!(matches!(refused_read(refusal(404, "NoSuchKey")).await, S3ReadError::Gone));
    assert!(matches!(refused_read(refusal(403, "InvalidObjectState")).await, S3ReadError::Archived));
    for (status, code) in [
        (403, "AccessDenied"),
        (400, "KMS.DisabledException"),
        (400, "InvalidRequest"),
        (404, "NoSuchVersion"),
        (405, "MethodNotAllowed"),
    ] {
        let error = refused_read(refusal(status, code)).await;
        assert!(matches!(error, S3ReadError::Unreadable(_)), "{code}: {error:?}");
    }
    for (status, code) in [
        (404, "NoSuchBucket"),
        (403, "InvalidAccessKeyId"),
        (403, "SignatureDoesNotMatch"),
        (400, "ExpiredToken"),
        (400, "AuthorizationHeaderMalformed"),
        (301, "PermanentRedirect"),
        (403, "RequestTimeTooSkewed"),
        (503, "SlowDown"),
        (500, "InternalError"),
    ] {
        let error = refused_read(refusal(status, code)).await;
        assert!(matches!(error, S3ReadError::Failed(_)), "{code}: {error:?}");
    }
}
