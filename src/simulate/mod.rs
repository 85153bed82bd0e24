//! Simulated learners and courses: seeded, with a truth that is not our model.
