//! Learner states in memory: rebuilt from events, advanced when new ones came, dropped when a right says so.
