package service

// Command is what Main does with its arguments.
var Command = command
