import { networkInterfaces } from 'node:os'

/** An address of IPv4 by which others can reach this machine; undefined where it has none. */
export const machineAddress = (): string | undefined =>
  Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .find(({ family, internal }) => family === 'IPv4' && !internal)?.address
