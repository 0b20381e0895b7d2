//! What agents ask people: `question.list`, `question.resolve`.

use super::NoParams;
use crate::protocol::id::QuestionSetId;
use serde_json::{Map, Value};

methods! {
    /// The questions that wait.
    QuestionList("question.list", Questions): NoParams => QuestionListPayload;
    /// Answers or dismisses one set of questions.
    QuestionResolve("question.resolve", Questions): QuestionResolveParams => QuestionResolvePayload;
}

shape! {
    /// The questions that wait.
    QuestionListPayload {
        /// The sets of questions.
        questions: Vec<QuestionSet>,
    }
}

shape! {
    /// One to three questions asked together. Also the payload of the `question.requested` event.
    QuestionSet {
        /// Which set.
        id: QuestionSetId,
        /// The questions.
        questions: Vec<Question>,
    }
    may have {
        /// Which agent asks.
        agent_id: String,
        /// In which conversation.
        session_key: String,
        /// When it was asked, in milliseconds since 1970.
        created_at_ms: u64,
        /// When it is withdrawn by itself, in milliseconds since 1970.
        expires_at_ms: u64,
        /// `pending`, `answered`, `cancelled` or `expired`.
        status: String,
    }
}

shape! {
    /// One question.
    Question {
        /// Which question of the set.
        question_id: String,
        /// What it is about, in a word.
        header: String,
        /// The question.
        question: String,
        /// What can be answered.
        options: Vec<QuestionOption>,
    }
    may have {
        /// Whether several answers may be chosen.
        multi_select: bool,
    }
}

shape! {
    /// One possible answer.
    QuestionOption {
        /// The answer, also what is sent back.
        label: String,
    }
    may have {
        /// What it means.
        description: String,
    }
}

params! {
    /// Params of `question.resolve`: answers, or `cancel`.
    QuestionResolveParams {
        /// Which set.
        id: QuestionSetId,
    }
    may have {
        /// The chosen labels by question id.
        answers: Answers,
        /// Dismisses the questions.
        cancel: bool,
    }
}

params! {
    /// The chosen labels by question id.
    Answers {
        /// A list of labels for each question id.
        answers: Map<String, Value>,
    }
}

shape! {
    /// What became of the questions.
    QuestionResolvePayload {
        /// `answered` or `cancelled`.
        status: String,
    }
    may have {
        /// The chosen labels.
        answers: Answers,
    }
}
