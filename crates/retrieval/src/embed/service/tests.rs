//! Against a service in memory, where time passes when nothing else can happen.

use std::collections::VecDeque;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use autri_domain::ManualClock;
use tokio::time::Instant;

use super::*;

const DIMENSIONS: usize = 2;

/// What the service does with a request.
#[derive(Debug)]
enum Reply {
    /// The vector `[n, 0]` for the text "n".
    Vectors,
    These(Vec<Vec<f32>>),
    Fails(Failure),
    Hangs,
}

/// Answers as it is told, and then with vectors.
#[derive(Debug, Default)]
struct Scripted {
    replies: Mutex<VecDeque<Reply>>,
    asked: Mutex<Vec<(Vec<String>, Role)>>,
    under_way: AtomicUsize,
    most_under_way: AtomicUsize,
}

#[async_trait]
impl Service for Scripted {
    fn name(&self) -> String {
        "the service".to_owned()
    }

    async fn ask(&self, texts: &[&str], role: Role) -> Result<Vec<Vec<f32>>, Failure> {
        let sent = texts.iter().map(|text| (*text).to_owned()).collect();
        self.asked.lock().unwrap().push((sent, role));
        let reply = self.replies.lock().unwrap().pop_front().unwrap_or(Reply::Vectors);
        let under_way = self.under_way.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_under_way.fetch_max(under_way, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.under_way.fetch_sub(1, Ordering::SeqCst);
        match reply {
            Reply::Vectors => {
                let number = |text: &&str| text.parse().map_or(1.0, |number: f32| number);
                Ok(texts.iter().map(|text| vec![number(text), 1.0]).collect())
            }
            Reply::These(vectors) => Ok(vectors),
            Reply::Fails(failure) => Err(failure),
            Reply::Hangs => std::future::pending().await,
        }
    }
}

impl Scripted {
    fn requests(&self) -> usize {
        self.asked.lock().unwrap().len()
    }
}

fn embedder(replies: impl IntoIterator<Item = Reply>) -> (ServiceEmbedder<Scripted>, Arc<ManualClock>) {
    let service = Scripted { replies: Mutex::new(replies.into_iter().collect()), ..Scripted::default() };
    let model = ServiceModel {
        id: "scripted".to_owned(),
        dimensions: DIMENSIONS,
        price: Price { usd_per_million_tokens: None },
    };
    let clock = Arc::new(ManualClock::at(1_800_000_000));
    let bounds = RequestBounds { texts: 3, requests: 2 };
    (ServiceEmbedder::new(service, model, bounds, clock.clone()), clock)
}

fn throttled(retry_after_secs: u64) -> Reply {
    let error = EmbedError::Throttled { service: "the service".to_owned() };
    Reply::Fails(Failure::Passing(error, Duration::from_secs(retry_after_secs)))
}

fn refused(failure: fn(EmbedError) -> Failure) -> Reply {
    Reply::Fails(failure(EmbedError::Refused {
        service: "the service".to_owned(),
        reason: "no".to_owned(),
        source: None,
    }))
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn vectors_come_in_the_order_of_the_texts_and_empty_texts_have_none() {
    let (embedder, _) = embedder([]);
    let wanted = texts(&["1", "2", " \n", "3", "4", "", "5", "6", "7", "8"]);
    let vectors = embedder.embed_documents(&wanted).await.unwrap();
    for (text, vector) in wanted.iter().zip(&vectors) {
        let number: Option<f32> = text.parse().ok();
        let ratio = vector.as_ref().map(|vector| (vector[0] / vector[1]).round());
        assert_eq!(ratio, number, "{text:?}");
        let is_unit = |vector: &Vec<f32>| (vector[0].hypot(vector[1]) - 1.0).abs() < 1e-6;
        assert!(vector.as_ref().is_none_or(is_unit), "{vector:?}");
    }
    let asked = embedder.service.asked.lock().unwrap();
    assert_eq!(asked.iter().map(|(texts, _)| texts.len()).collect::<Vec<_>>(), [3, 3, 2]);
    assert!(asked.iter().all(|(_, role)| *role == Role::Document));
    drop(asked);
    assert_eq!(embedder.service.most_under_way.load(Ordering::SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn nothing_to_embed_asks_nobody() {
    let (embedder, _) = embedder([]);
    assert_eq!(embedder.embed_documents(&[]).await.unwrap(), Vec::<Option<Vec<f32>>>::new());
    assert_eq!(embedder.embed_documents(&texts(&[""])).await.unwrap(), [None]);
    assert_eq!(embedder.embed_query(" ").await.unwrap(), None);
    assert_eq!(embedder.service.requests(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_long_text_is_cut_between_two_characters() {
    let (embedder, _) = embedder([]);
    // Three bytes each: the bound is in the middle of one.
    let long = "語".repeat(MAX_TEXT_BYTES);
    embedder.embed_documents(std::slice::from_ref(&long)).await.unwrap();
    embedder.embed_query(&long).await.unwrap();
    for (texts, _) in embedder.service.asked.lock().unwrap().iter() {
        assert_eq!(texts[0].len(), MAX_TEXT_BYTES - MAX_TEXT_BYTES % 3);
    }
}

#[tokio::test(start_paused = true)]
async fn vectors_without_direction_are_none() {
    let odd = vec![vec![0.0, 0.0], vec![f32::INFINITY, 1.0], vec![3.0, 4.0]];
    let (embedder, _) = embedder([Reply::These(odd)]);
    let vectors = embedder.embed_documents(&texts(&["a", "b", "c"])).await.unwrap();
    assert_eq!(vectors, [None, None, Some(vec![0.6, 0.8])]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_of_another_size_is_an_error_and_not_tried_again() {
    let (short, _) = embedder([Reply::These(vec![vec![1.0, 0.0]])]);
    let error = short.embed_documents(&texts(&["a", "b"])).await.unwrap_err();
    assert!(error.to_string().ends_with("cannot be used: 1 vectors for 2 texts"), "{error}");
    let (long, _) = embedder([Reply::These(vec![vec![1.0, 0.0, 0.0]])]);
    let error = long.embed_documents(&texts(&["a"])).await.unwrap_err();
    assert!(matches!(error, EmbedError::WrongDimensions { expected: 2, found: 3, .. }), "{error}");
    assert_eq!((short.service.requests(), long.service.requests()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn documents_wait_as_long_as_the_service_asks_for() {
    let (embedder, _) = embedder([throttled(0), throttled(45)]);
    let began = Instant::now();
    embedder.embed_documents(&texts(&["1"])).await.unwrap();
    assert_eq!(embedder.service.requests(), 3);
    assert!(began.elapsed() >= Duration::from_secs(45), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_pause_beyond_the_budget_is_not_made() {
    let (embedder, _) = embedder([throttled(0), throttled(121)]);
    let began = Instant::now();
    let error = embedder.embed_documents(&texts(&["1"])).await.unwrap_err();
    assert!(matches!(error, EmbedError::Throttled { .. }), "{error}");
    assert_eq!(embedder.service.requests(), 2);
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_away_ends_the_run_within_the_budget() {
    let (embedder, _) = embedder(std::iter::repeat_with(|| throttled(0)).take(1_000));
    let began = Instant::now();
    let error = embedder.embed_documents(&texts(&["1"])).await.unwrap_err();
    assert!(matches!(error, EmbedError::Throttled { .. }), "{error}");
    let requests = embedder.service.requests();
    // Pauses double from half a second to 20 s, with up to as much again by chance.
    assert!((6..=14).contains(&requests), "{requests}");
    assert!(began.elapsed() <= RetryBudget::DOCUMENTS.total + Duration::from_secs(1));
}

#[tokio::test(start_paused = true)]
async fn what_lasts_is_not_tried_again() {
    for failure in [Failure::Lasting, Failure::OfTheTexts] {
        let (embedder, _) = embedder([refused(failure)]);
        let error = embedder.embed_documents(&texts(&["1"])).await.unwrap_err();
        assert_eq!(error.to_string(), "the service refused: no");
        assert_eq!(embedder.service.requests(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_question_is_tried_once_and_does_not_wait() {
    let (embedder, _) = embedder([throttled(10), Reply::Hangs]);
    let began = Instant::now();
    let error = embedder.embed_query("why").await.unwrap_err();
    assert!(matches!(error, EmbedError::Throttled { .. }), "{error}");
    assert_eq!(embedder.service.requests(), 1);
    let error = embedder.embed_query("why").await.unwrap_err();
    assert!(matches!(error, EmbedError::Unreachable { .. }), "{error}");
    assert_eq!(embedder.service.asked.lock().unwrap()[1], (texts(&["why"]), Role::Question));
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_service_that_fails_is_left_alone_until_it_is_well() {
    let (embedder, clock) = embedder([Reply::Hangs, throttled(0), refused(Failure::Lasting)]);
    for _ in 0..3 {
        embedder.embed_query("why").await.unwrap_err();
    }
    let began = Instant::now();
    for _ in 0..5 {
        let error = embedder.embed_query("why").await.unwrap_err();
        assert!(matches!(error, EmbedError::Paused { .. }), "{error}");
    }
    assert_eq!((embedder.service.requests(), began.elapsed()), (3, Duration::ZERO));
    clock.advance_secs(30);
    embedder.embed_query("why").await.unwrap();
    embedder.embed_query("why").await.unwrap();
    assert_eq!(embedder.service.requests(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_question_that_is_refused_closes_the_service_to_nobody() {
    let (embedder, _) = embedder(std::iter::repeat_with(|| refused(Failure::OfTheTexts)).take(10));
    for _ in 0..10 {
        let error = embedder.embed_query("poison").await.unwrap_err();
        assert!(matches!(error, EmbedError::Refused { .. }), "{error}");
    }
    embedder.embed_query("why").await.unwrap();
}
