//! The events that the state machine takes, and the actions that it returns.

/// A process, numbered in the order of the starts. Unlike a process id, a number never comes twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ProcessId(pub(crate) u64);

/// Something that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Event {
    /// Nothing but time has passed.
    Tick,
    /// The system did not start a process.
    SpawnFailed {
        /// The number that [`Action::Spawn`] gave it.
        process: ProcessId,
        /// One line that says why.
        reason: String,
    },
    /// A worker answers requests.
    Ready(ProcessId),
    /// All event loops of a worker turn.
    Alive(ProcessId),
    /// A worker was asked to end by somebody else, and drains.
    Draining(ProcessId),
    /// A worker cannot serve, and will end.
    Failed {
        /// Which one.
        process: ProcessId,
        /// One line that says why.
        reason: String,
    },
    /// A worker wants the metrics of all others.
    GatherMetrics(MetricsRequest),
    /// A worker reports its metrics.
    Metrics {
        /// Which one.
        process: ProcessId,
        /// What is answered.
        request: MetricsRequest,
        /// One exposition.
        text: String,
    },
    /// A process has ended, and all its messages have been handled.
    Exited {
        /// Which one.
        process: ProcessId,
        /// How.
        exit: Exit,
    },
    /// Somebody asks for a rolling restart.
    Reload,
    /// Somebody asks the program to end.
    Stop,
}

/// A question for everybody's metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct MetricsRequest {
    /// The worker that asks.
    pub(crate) asker: ProcessId,
    /// Its own number for the question.
    pub(crate) id: u64,
}

/// How a process has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Exit {
    /// What matters of it.
    pub(crate) kind: ExitKind,
    /// The same in the system's words.
    pub(crate) description: String,
}

/// The ways in which a process can end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ExitKind {
    /// By itself, with code 0.
    Success,
    /// By itself, with another code.
    Failure,
    /// By a signal.
    Signal,
}

/// Something to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Action {
    /// Start a process for this worker, on its listener.
    Spawn {
        /// Its number from now on.
        process: ProcessId,
        /// The number of the worker, from 1.
        worker: u16,
    },
    /// Tell a process to finish its open requests and end.
    Drain(ProcessId),
    /// Ask a process for its metrics.
    ReportMetrics {
        /// Which one.
        process: ProcessId,
        /// What it is to answer.
        request: MetricsRequest,
    },
    /// Give a process the metrics that it has asked for.
    AnswerMetrics {
        /// Which one.
        process: ProcessId,
        /// Its own number for the question.
        id: u64,
        /// One exposition a process.
        texts: Vec<String>,
    },
    /// End a process at once.
    Kill(ProcessId),
    /// Refuse new connections on every listener.
    RefuseConnections,
    /// Write a line to the log.
    Log(Notice),
    /// End the program; a reason makes it fail.
    End {
        /// One line, unless somebody asked for the end.
        reason: Option<String>,
    },
}

/// What is worth a line in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Notice {
    /// All workers are ready for the first time.
    Listening { workers: u16 },
    /// A process serves its worker's connections.
    Ready { worker: u16, process: ProcessId },
    /// A process has ended, and not because it was told to.
    Gone { worker: u16, process: ProcessId, reason: String },
    /// A worker could not be started, and will be started again.
    StartFailed { worker: u16, reason: String },
    /// The successor in a rolling restart could not be started.
    NoSuccessor { worker: u16, reason: String },
    /// A rolling restart begins.
    RollingRestart,
    /// A rolling restart is done.
    RollingRestartDone,
    /// The program begins to end, for this reason if nobody asked for it.
    Stopping { reason: Option<String> },
    /// The last process is gone.
    Stopped,
}
