"""The built-in handlers: each performs the steps of the routes that name it."""
