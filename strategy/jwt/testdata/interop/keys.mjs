// The keys of all tokens in node.json, used for nothing else: the PEM files in ../keys,
// and three secrets. Go's tests read the same files and build the same secrets.

import { createPrivateKey, createPublicKey } from 'node:crypto'
import { readFileSync } from 'node:fs'

const pem = name => readFileSync(new URL(`../keys/${name}.pem`, import.meta.url), 'utf8')

const files = {
  RS256: 'rsa', RS384: 'rsa', RS512: 'rsa', PS256: 'rsa', PS384: 'rsa', PS512: 'rsa',
  ES256: 'p256', ES384: 'p384', ES512: 'p521', EdDSA: 'ed25519', Ed25519: 'ed25519',
}
const secretBytes = { HS256: 32, HS384: 48, HS512: 64 }

export const algorithms = [...Object.keys(secretBytes), ...Object.keys(files)]

// The algorithms whose signatures are deterministic.
export const deterministic = alg => /^(HS|RS|Ed)/.test(alg)

export const secret = alg => Buffer.alloc(secretBytes[alg], 'a made-up secret, ')
export const privateKey = alg => files[alg] ? createPrivateKey(pem(files[alg])) : secret(alg)
export const publicKey = alg => files[alg] ? createPublicKey(pem(files[alg])) : secret(alg)
