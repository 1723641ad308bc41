'use strict'

// An error that is meant for the caller: a sentence, and the HTTP status that goes with it.
module.exports = class Refusal extends Error {
  constructor (status, sentence) {
    super(sentence)
    this.status = status
  }
}
