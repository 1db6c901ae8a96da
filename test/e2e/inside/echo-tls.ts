import { createServer } from 'node:https'
import { readFileSync } from 'node:fs'

/** Speaks HTTP/1.1 over TLS with the certificate and key of a file, at every `ADDRESS:PORT`: what came, as JSON. */
const [file = '', ...places] = process.argv.slice(2)
const pem = readFileSync(file)
for (const place of places) {
  const [address, port] = place.split(':')
  const server = createServer({ cert: pem, key: pem }, ({ url, headers }, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ by: address, url, headers }))
  })
  await new Promise<void>((resolve) => server.listen(Number(port), address, resolve))
}
console.log('listening')
