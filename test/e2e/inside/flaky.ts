import { createServer } from 'node:http'

/** `flaky.ts ADDRESS:PORT=SHARE…`: answers at each place, and with 500 to this share of the requests, evenly spread. */
for (const place of process.argv.slice(2)) {
  const [, address = '', port = '', share = '0'] = /^(.+):(\d+)=([\d.]+)$/.exec(place) ?? []
  let turn = 0
  const server = createServer((_, response) => {
    turn++
    const isBad = Math.floor(turn * Number(share)) > Math.floor((turn - 1) * Number(share))
    response.writeHead(isBad ? 500 : 200).end(address)
  })
  await new Promise<void>((resolve) => server.listen(Number(port), address, resolve))
}
console.log('listening')
