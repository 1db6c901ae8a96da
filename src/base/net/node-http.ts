/**
 * Node's HTTP modules. An import statement reads every export of a built-in module, and one of `node:http` is a getter that loads
 * all of `fetch`: tens of milliseconds of a start. This way nobody pays who does not use it. Types are imported as ever.
 */
export const http = process.getBuiltinModule('node:http')
export const https = process.getBuiltinModule('node:https')
