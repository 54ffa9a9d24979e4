package service

// Command is what Main does with its arguments.
var Command = command

// ParseRetired reads the public keys of issuers before.
var ParseRetired = parseRetired
