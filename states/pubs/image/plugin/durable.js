'use strict'
// What must outlast a loss of power. The kernel takes half a minute to bring by itself to the disk what was written.

const fs = require('fs')
const path = require('path')

// Brings a file, or the names in a folder, to the disk. A handle that only reads will do.
function sync (file) {
  const handle = fs.openSync(file, 'r')
  try {
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}

// What the pub signs is on the disk before who asked for it hears of it: of a log that was cut short the pub would sign
// other messages with the same numbers, and that destroys its feed. flumelog-offset leaves it to the kernel. A disk that
// fails here is thrown: the pub ends, and what it starts with is what is really there. `kept` is called each time.
function publish (server, log, kept) {
  server.publish.hook(function (fn, args) {
    const cb = args.pop()
    return fn.call(this, ...args, (err, message) => {
      if (err) return cb(err)
      sync(log)
      sync(path.dirname(log))
      kept()
      cb(null, message)
    })
  })
}

module.exports = { sync, publish }
