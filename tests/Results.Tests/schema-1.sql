CREATE TABLE sweeps (
    id INTEGER PRIMARY KEY,
    uid TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL UNIQUE,
    spec TEXT NOT NULL,
    created INTEGER NOT NULL,
    updated INTEGER NOT NULL);

CREATE TABLE trials (
    id INTEGER PRIMARY KEY,
    sweep_id INTEGER NOT NULL REFERENCES sweeps (id),
    name TEXT NOT NULL,
    hash TEXT NOT NULL,
    seed INTEGER NOT NULL,
    configuration TEXT NOT NULL,
    parameters TEXT NOT NULL,
    created INTEGER NOT NULL,
    finished_at INTEGER,
    finished_iteration INTEGER,
    stopped_early INTEGER,
    wall_seconds REAL,
    superseded_at INTEGER,
    failures INTEGER NOT NULL DEFAULT 0,
    disruptions INTEGER NOT NULL DEFAULT 0,
    failed_permanently INTEGER NOT NULL DEFAULT 0,
    last_attempt INTEGER NOT NULL DEFAULT 0,
    differing INTEGER NOT NULL DEFAULT 0,
    UNIQUE (sweep_id, name));

CREATE INDEX trials_finished ON trials (configuration) WHERE finished_at IS NOT NULL;

-- Reports are keyed (attempt, sequence). They arrive in order and without gaps, so the highest sequence stands for all of them.
CREATE TABLE attempts (
    id INTEGER PRIMARY KEY,
    trial_id INTEGER NOT NULL REFERENCES trials (id),
    number INTEGER NOT NULL,
    uid TEXT NOT NULL UNIQUE,
    started INTEGER NOT NULL,
    pid INTEGER,
    process_started INTEGER,
    ended INTEGER,
    outcome INTEGER,
    reason TEXT,
    exit_code INTEGER,
    acknowledged INTEGER NOT NULL DEFAULT 0,
    failed_reason TEXT,
    failed_permanently INTEGER NOT NULL DEFAULT 0,
    checkpoint_iteration INTEGER,
    UNIQUE (trial_id, number));

CREATE INDEX attempts_live ON attempts (trial_id) WHERE ended IS NULL;

CREATE TABLE points (
    trial_id INTEGER NOT NULL REFERENCES trials (id),
    iteration INTEGER NOT NULL,
    trajectories INTEGER NOT NULL,
    env_steps INTEGER NOT NULL,
    updates INTEGER NOT NULL,
    success_rate REAL NOT NULL,
    loss REAL,
    wall_seconds REAL NOT NULL,
    attempt INTEGER NOT NULL,
    stored INTEGER NOT NULL,
    PRIMARY KEY (trial_id, iteration)) WITHOUT ROWID;

INSERT INTO sweeps VALUES (7, 'u7', 's', 'spec', 1000, 2000);
INSERT INTO trials (id, sweep_id, name, hash, seed, configuration, parameters, created, last_attempt)
    VALUES (3, 7, 's-0', 'hash-0', 0, 'configuration-0', '{"N":0}', 1000, 1);
INSERT INTO attempts (id, trial_id, number, uid, started, pid, process_started, acknowledged) VALUES (5, 3, 1, 'a1', 1500, 4711, 99, 2);
INSERT INTO points VALUES (3, 0, 0, 0, 0, 0.25, NULL, 0, 1, 1600), (3, 1, 10, 100, 3, 0.5, 1.5, 2, 1, 1700);

PRAGMA user_version = 1;
