import ServalKeyStore
import Testing

/// PBMAC1 (RFC 9579), which neither JDK 17 nor OpenSSL 3.0 knows: against the RFC's own file, and against Python's hash functions.
@Suite struct PBMAC1Tests {
    @Test func theFileOfTheRFCIsRead() throws {
        let bytes = try Base64Text.bytes(PBMAC1Tests.appendixA1)
        let store = try KeyStore(bytes: bytes, password: "1234")
        #expect(store.isIntegrityVerified && store.count == 1)
        #expect(try store.identity().privateKey.algorithm == .rsa(bits: 2048))
        #expect(code { try KeyStore(bytes: bytes, password: "12345") } == .wrongPassword)
        var changed = bytes
        changed[bytes.count - 20] ^= 1
        #expect(code { try KeyStore(bytes: changed, password: "1234") } == .corrupt)
    }

    /// As appendix A.4 to A.6 make them: iterations, salt or length changed in the parameters.
    @Test func filesThatTheRFCCallsInvalidAreRefused() throws {
        let bytes = try Base64Text.bytes(PBMAC1Tests.appendixA1)
        let parameters: [UInt8] = [0x04, 0x08, 0x6F, 0x47, 0x3C, 0x38, 0xB0, 0x2E, 0x31, 0x73, 0x02, 0x02, 0x08, 0x00, 0x02, 0x01, 0x20]
        let start = try #require(bytes.indices.first { bytes[$0...].starts(with: parameters) })
        for (offset, value) in [(12, UInt8(0x09)), (2, 0x70), (16, 0x21)] {
            var changed = bytes
            changed[start + offset] = value
            #expect(code { try KeyStore(bytes: changed, password: "1234") } != nil, "byte \(offset)")
        }
        let lengthless = try DERLengths.replacing(bytes, at: start + 14, 3, with: [])
        #expect(code { try KeyStore(bytes: lengthless, password: "1234") } == .corrupt)
        let short = try DERLengths.replacing(bytes, at: start + 14, 3, with: [2, 1, 1])
        #expect(code { try KeyStore(bytes: short, password: "1234") } == .corrupt)
    }

    @Test(arguments: ["sha1", "sha224", "sha256", "sha384", "sha512"], ["sha256", "sha512"])
    func filesOfPythonAreRead(_ prf: String, _ mac: String) throws {
        let folder = try Folder()
        let authority = try Authority.shared.get()
        try authority.store(.pkcs12).write(to: folder("a.p12"), password: "pässwörd €")
        try Tool.python(PBMAC1Script.text, folder("a.p12"), folder("b.p12"), "pässwörd €", prf, mac)
        let store = try KeyStore(contentsOf: folder("b.p12"), password: "pässwörd €")
        #expect(try store.isIntegrityVerified && store.identity(alias: "rsa").chain == authority.rsaChain)
        #expect(code { try KeyStore(contentsOf: folder("b.p12"), password: "passwörd €") } == .wrongPassword)
    }

    @Test func filesOfThisLibraryArePythons() throws {
        let folder = try Folder()
        let store = try Authority.shared.get().store(.pkcs12)
        try store.write(to: folder("a.p12"), password: "changeit", protection: .pbmac1)
        #expect(try Tool.python(PBMAC1Script.verification, folder("a.p12"), "changeit") == "True\n")
        #expect(try Tool.python(PBMAC1Script.verification, folder("a.p12"), "Changeit") == "False\n")
        let read = try KeyStore(contentsOf: folder("a.p12"), password: "changeit")
        #expect(try read.isIntegrityVerified && read.identity(alias: "ec").privateKey == store.identity(alias: "ec").privateKey)
    }

    /// RFC 9579 appendix A.1; the password is `1234`.
    private static let appendixA1 = """
        MIIKigIBAzCCCgUGCSqGSIb3DQEHAaCCCfYEggnyMIIJ7jCCBGIGCSqGSIb3DQEH
        BqCCBFMwggRPAgEAMIIESAYJKoZIhvcNAQcBMFcGCSqGSIb3DQEFDTBKMCkGCSqG
        SIb3DQEFDDAcBAg9pxXxY2yscwICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQME
        ASoEEK7yYaFQDi1pYwWzm9F/fs+AggPgFIT2XapyaFgDppdvLkdvaF3HXw+zjzKb
        7xFC76DtVPhVTWVHD+kIss+jsj+XyvMwY0aCuAhAG/Dig+vzWomnsqB5ssw5/kTb
        +TMQ5PXLkNeoBmB6ArKeGc/QmCBQvQG/a6b+nXSWmxNpP+71772dmWmB8gcSJ0kF
        Fj75NrIbmNiDMCb71Q8gOzBMFf6BpXf/3xWAJtxyic+tSNETfOJa8zTZb0+lV0w9
        5eUmDrPUpuxEVbb0KJtIc63gRkcfrPtDd6Ii4Zzbzj2Evr4/S4hnrQBsiryVzJWy
        IEjaD0y6+DmG0JwMgRuGi1wBoGowi37GMrDCOyOZWC4n5wHLtYyhR6JaElxbrhxP
        H46z2USLKmZoF+YgEQgYcSBXMgP0t36+XQocFWYi2N5niy02TnctwF430FYsQlhJ
        Suma4I33E808dJuMv8T/soF66HsD4Zj46hOf4nWmas7IaoSAbGKXgIa7KhGRJvij
        xM3WOX0aqNi/8bhnxSA7fCmIy/7opyx5UYJFWGBSmHP1pBHBVmx7Ad8SAsB9MSsh
        nbGjGiUk4h0QcOi29/M9WwFlo4urePyI8PK2qtVAmpD3rTLlsmgzguZ69L0Q/CFU
        fbtqsMF0bgEuh8cfivd1DYFABEt1gypuwCUtCqQ7AXK2nQqOjsQCxVz9i9K8NDeD
        aau98VAl0To2sk3/VR/QUq0PRwU1jPN5BzUevhE7SOy/ImuJKwpGqqFljYdrQmj5
        jDe+LmYH9QGVRlfN8zuU+48FY8CAoeBeHn5AAPml0PYPVUnt3/jQN1+v+CahNVI+
        La8q1Nen+j1R44aa2I3y/pUgtzXRwK+tPrxTQbG030EU51LYJn8amPWmn3w75ZIA
        MJrXWeKj44de7u4zdUsEBVC2uM44rIHM8MFjyYAwYsey0rcp0emsaxzar+7ZA67r
        lDoXvvS3NqsnTXHcn3T9tkPRoee6L7Dh3x4Od96lcRwgdYT5BwyH7e34ld4VTUmJ
        bDEq7Ijvn4JKrwQJh1RCC+Z/ObfkC42xAm7G010u3g08xB0Qujpdg4a7VcuWrywF
        c7hLNquuaF4qoDaVwYXHH3iuX6YlJ/3siTKbYCVXPEZOAMBP9lF/OU76UMJBQNfU
        0xjDx+3AhUVgnGuCsmYlK6ETDp8qOZKGyV0KrNSGtqLx3uMhd7PETeW+ML3tDQ/0
        X9fMkcZHi4C2fXnoHV/qa2dGhBj4jjQ0Xh1poU6mxGn2Mebe2hDsBZkkBpnn7pK4
        wP/VqXdQTwqEuvzGHLVFsCuADe40ZFBmtBrf70wG7ZkO8SUZ8Zz1IX3+S024g7yj
        QRev/6x6TtkwggWEBgkqhkiG9w0BBwGgggV1BIIFcTCCBW0wggVpBgsqhkiG9w0B
        DAoBAqCCBTEwggUtMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhTxzw+
        VptrYAICCAAwDAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEK9nSqc1I2t4tMVG
        bWHpdtQEggTQzCwI7j34gCTvfj6nuOSndAjShGv7mN2j7WMV0pslTpq2b9Bn3vn1
        Y0JMvL4E7sLrUzNU02pdOcfCnEpMFccNv2sQrLp1mOCKxu8OjSqHZLoKVL0ROVsZ
        8dMECLLigDlPKRiSyLErl14tErX4/zbkUaWMROO28kFbTbubQ8YoHlRUwsKW1xLg
        vfi0gRkG/zHXRfQHjX/8NStv7hXlehn7/Gy2EKPsRFhadm/iUHAfmCMkMgHTU248
        JER9+nsXltd59H+IeDpj/kbxZ+YvHow9XUZKu828d3MQnUpLZ1BfJGhMBPVwbVUD
        A40CiQBVdCoGtPJyalL28xoS3H0ILFCnwQOr6u0HwleNJPGHq78HUyH6Hwxnh0b0
        5o163r6wTFZn5cMOxpbs/Ttd+3TrxmrYpd2XnuRme3cnaYJ0ILvpc/8eLLR7SKjD
        T4JhZ0h/CfcV2WWvhpQugkY0pWrZ+EIMneB1dZB96mJVLxOi148OeSgi0PsxZMNi
        YM33rTpwQT5WqOsEyDwUQpne5b8Kkt/s7EN0LJNnPyJJRL1LcqOdr6j+6YqRtPa7
        a9oWJqMcuTP+bqzGRJh+3HDlFBw2Yzp9iadv4KmB2MzhStLUoi2MSjvnnkkd5Led
        sshAd6WbKfF7kLAHQHT4Ai6dMEO4EKkEVF9JBtxCR4JEn6C98Lpg+Lk+rfY7gHOf
        ZxtgGURwgXRY3aLUrdT55ZKgk3ExVKPzi5EhdpAau7JKhpOwyKozAp/OKWMNrz6h
        obu2Mbn1B+IA60psYHHxynBgsJHv7WQmbYh8HyGfHgVvaA8pZCYqxxjpLjSJrR8B
        Bu9H9xkTh7KlhxgreXYv19uAYbUd95kcox9izad6VPnovgFSb+Omdy6PJACPj6hF
        W6PJbucP0YPpO0VtWtQdZZ3df1P0hZ7qvKwOPFA+gKZSckgqASfygiP9V3Zc8jIi
        wjNzoDM2QT+UUJKiiGYXJUEOO9hxzFHlGj759DcNRhpgl5AgR57ofISD9yBuCAJY
        PQ/aZHPFuRTrcVG3RaIbCAS73nEznKyFaLOXfzyfyaSmyhsH253tnyL1MejC+2bR
        Eko/yldgFUxvU5JI+Q3KJ6Awj+PnduHXx71E4UwSuu2xXYMpxnQwI6rroQpZBX82
        HhqgcLV83P8lpzQwPdHjH5zkoxmWdC0+jU/tcQfNXYpJdyoaX7tDmVclLhwl9ps/
        O841pIsNLJWXwvxG6B+3LN/kw4QjwN194PopiOD7+oDm5mhttO78CrBrRxHMD/0Q
        qniZjKzSZepxlZq+J792u8vtMnuzzChxu0Bf3PhIXcJNcVhwUtr0yKe/N+NvC0tm
        p8wyik/BlndxN9eKbdTOi2wIi64h2QG8nOk66wQ/PSIJYwZl6eDNEQSzH/1mGCfU
        QnUT17UC/p+Qgenf6Auap2GWlvsJrB7u/pytz65rtjt/ouo6Ih6EwWqwVVpGXZD0
        7gVWH0Ke/Vr6aPGNvkLcmftPuDZsn9jiig3guhdeyRVf10Ox369kKWcG75q77hxE
        IzSzDyUlBNbnom9SIjut3r+qVYmWONatC6q/4D0I42Lnjd3dEyZx7jmH3g/S2ASM
        FzWr9pvXc61dsYOkdZ4PYa9XPUZxXFagZsoS3F1sU799+IJVU0tC0MExJTAjBgkq
        hkiG9w0BCRUxFgQUwWO5DorvVWYF3BWUmAw0rUEajScwfDBtMEkGCSqGSIb3DQEF
        DjA8MCwGCSqGSIb3DQEFDDAfBAhvRzw4sC4xcwICCAACASAwDAYIKoZIhvcNAgkF
        ADAMBggqhkiG9w0CCQUABCB6pW2FOdcCNj87zS64NUXG36K5aXDnFHctIk5Bf4kG
        3QQITk9UIFVTRUQCAQE=
        """
}

/// Python programs that know PKCS12 only as far as a MAC needs it.
enum PBMAC1Script {
    private static let prelude = """
        import sys, os, hashlib, hmac
        def read(b, o=0):
            n, h = b[o + 1], 2
            if n > 128:
                h += n & 127
                n = int.from_bytes(b[o + 2:o + h], 'big')
            return b[o], b[o + h:o + h + n], o + h + n
        def children(b):
            o, r = 0, []
            while o < len(b):
                t, v, end = read(b, o)
                r.append((t, v, b[o:end])); o = end
            return r
        def tlv(t, *parts):
            v = b''.join(parts); n = len(v)
            return bytes([t]) + (bytes([n]) if n < 128 else bytes([132]) + n.to_bytes(4, 'big')) + v
        def algorithm(oid, *parameters): return tlv(48, tlv(6, bytes.fromhex(oid)), *parameters)
        HMAC = {'sha1': '2a864886f70d0207', 'sha224': '2a864886f70d0208', 'sha256': '2a864886f70d0209', 'sha384': '2a864886f70d020a',
                'sha512': '2a864886f70d020b'}
        pfx = children(read(open(sys.argv[1], 'rb').read())[1])
        contents = read(children(pfx[1][1])[1][1])[1]

        """

    /// Arguments: source, target, password, digest of the derivation, digest of the MAC.
    static let text =
        prelude + """
            password = sys.argv[3].encode()
            prf, mac = (sys.argv + ['sha256', 'sha256'])[4:6] if len(sys.argv) > 4 else ('sha256', 'sha256')
            salt = os.urandom(16)
            key = hashlib.pbkdf2_hmac(prf, password, salt, 2048, 32)
            null = bytes([5, 0])
            kdf = algorithm('2a864886f70d01050c', tlv(48, tlv(4, salt), tlv(2, bytes([8, 0])), tlv(2, bytes([32])), algorithm(HMAC[prf], null)))
            pbmac1 = algorithm('2a864886f70d01050e', tlv(48, kdf, algorithm(HMAC[mac], null)))
            value = hmac.new(key, contents, mac).digest()
            data = tlv(48, tlv(48, pbmac1, tlv(4, value)), tlv(4, b'NOT USED'))
            open(sys.argv[2], 'wb').write(tlv(48, pfx[0][2], pfx[1][2], data))
            """

    /// Says whether the MAC is right.
    ///
    /// Arguments: file, password.
    static let verification =
        prelude + """
            info = children(children(pfx[2][1])[0][1])
            pbmac1 = children(children(info[0][1])[1][1])
            kdf = children(children(pbmac1[0][1])[1][1])
            names = {bytes.fromhex(oid): name for name, oid in HMAC.items()}
            number = lambda v: int.from_bytes(v, 'big')
            key = hashlib.pbkdf2_hmac(names[children(kdf[3][1])[0][1]], sys.argv[2].encode(), kdf[0][1], number(kdf[1][1]), number(kdf[2][1]))
            print(hmac.new(key, contents, names[children(pbmac1[1][1])[0][1]]).digest() == info[1][1])
            """
}
