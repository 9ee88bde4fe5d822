class Outbox: ...  # for the pump alone: nothing of it can be reached from Python
