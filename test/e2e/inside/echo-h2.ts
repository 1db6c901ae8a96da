import { createServer } from 'node:http2'

/** Speaks HTTP/2 alone, without TLS, at every `ADDRESS:PORT`: gRPC requests get an empty message and a status, all others what came, as JSON. */
for (const place of process.argv.slice(2)) {
  const [address = '', port] = place.split(':')
  const server = createServer((request, response) => {
    const { url, headers, httpVersion } = request
    if (headers['content-type']?.startsWith('application/grpc') === true) {
      response.setHeader('content-type', 'application/grpc')
      response.setHeader('x-by', address)
      response.write(Buffer.alloc(5))
      response.addTrailers({ 'grpc-status': '0' })
      response.end()
      return
    }
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify({ by: address, url, httpVersion, headers }))
  })
  await new Promise<void>((resolve) => void server.listen(Number(port), address, resolve))
}
console.log('listening')
