import Foundation
import ServalKeyStore
import ServalPKCS11

/// A PKCS#11 module that misbehaves on demand, compiled for the test.
///
/// It has one token with one EC key and its certificate. A file beside it says what it does: `ok`, `hang` (until told otherwise), or a return code in
/// hexadecimal for `C_Sign`; `login:CODE`, `once:CODE` (the first call only), `gone` (no token in the slot).
final class OddModule: Sendable {
    let path: String
    let token: PKCS11Token

    /// - Parameter limits: short ones, or the test takes long.
    init(limits: PKCS11Token.Limits, pin: String? = "1234") throws {
        let binary = try Self.binary.get()
        path = binary.deletingLastPathComponent().appendingPathComponent("odd-\(UUID().uuidString).so").path
        try FileManager.default.copyItem(atPath: binary.path, toPath: path)
        let key = try PrivateKey.generate(.ec(curve: .p256))
        try Data(makeCertificate(key, name: "odd").der).write(to: URL(fileURLWithPath: path + ".cert"))
        try Data("ok".utf8).write(to: URL(fileURLWithPath: path + ".mode"))
        let path = path
        token = try Self.patiently { try PKCS11Token.open(PKCS11Module.load(path: path), pin: pin, limits: limits) }
    }

    /// The token's key.
    func key() throws -> any ExternalPrivateKey {
        let key = try Self.patiently { try token.identity(alias: "Odd").privateKey.external }
        guard let key else { throw KeyStoreError(.noKeyEntry, "The odd module has no key") }
        return key
    }

    /// On a busy machine even a good call may take longer than the short limits of these tests.
    private static func patiently<Answer>(_ body: () throws -> Answer) throws -> Answer {
        for _ in 0..<100 {
            do { return try body() } catch let error as KeyStoreError where error.code == .tokenNotResponding { usleep(50_000) }
        }
        return try body()
    }

    func behave(_ mode: String) throws { try Data(mode.utf8).write(to: URL(fileURLWithPath: path + ".mode"), options: .atomic) }

    /// The functions that were called since the last time, one per line.
    func calls() throws -> [String] {
        defer { try? Data().write(to: URL(fileURLWithPath: path + ".log")) }
        return String(decoding: (try? Data(contentsOf: URL(fileURLWithPath: path + ".log"))) ?? Data(), as: UTF8.self).split(separator: "\n").map(
            String.init
        )
    }

    static let shortLimits: PKCS11Token.Limits = {
        var limits = PKCS11Token.Limits()
        limits.timeout = .milliseconds(1500)
        limits.pause = .seconds(3)
        limits.concurrentCalls = 2
        return limits
    }()

    private static let binary = Result { () throws -> URL in
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("serval-odd-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let source = folder.appendingPathComponent("odd.c")
        try Data(code.utf8).write(to: source)
        let binary = folder.appendingPathComponent("odd.so")
        let include = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../../../Sources/CPKCS11/include").standardized.path
        let result = try Program.run(["clang", "-shared", "-fPIC", "-O0", "-I", include, "-o", binary.path, source.path, "-ldl"])
        guard result.status == 0 else { throw KeyStoreError(.invalidInput, result.errors) }
        return binary
    }

    private static let code = #"""
        #define _GNU_SOURCE
        #include <CPKCS11.h>
        #include <dlfcn.h>
        #include <stdatomic.h>
        #include <stdio.h>
        #include <stdlib.h>
        #include <string.h>
        #include <unistd.h>

        static atomic_ulong next_session = 1;
        static atomic_int finding[65536];
        static atomic_int once_done;

        static void beside(const char *suffix, char *path) {
            Dl_info info;
            dladdr((void *)beside, &info);
            snprintf(path, 4096, "%s%s", info.dli_fname, suffix);
        }
        static int read_beside(const char *suffix, unsigned char *bytes, int room) {
            char path[4096];
            beside(suffix, path);
            FILE *file = fopen(path, "rb");
            if (!file) return 0;
            int count = (int)fread(bytes, 1, (size_t)room, file);
            fclose(file);
            return count;
        }
        static void mode(char *text) {
            int count = read_beside(".mode", (unsigned char *)text, 63);
            text[count] = 0;
        }
        static void note(const char *function) {
            char path[4096];
            beside(".log", path);
            FILE *file = fopen(path, "ab");
            if (file) { fprintf(file, "%s\n", function); fclose(file); }
        }
        static CK_RV Initialize(void *a) { return CKR_OK; }
        static CK_RV Finalize(void *a) { return CKR_OK; }
        static CK_RV GetSlotList(CK_BBOOL present, CK_SLOT_ID *slots, CK_ULONG *count) {
            if (slots) slots[0] = 5;
            *count = 1;
            return CKR_OK;
        }
        static CK_RV GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
            char m[64];
            mode(m);
            if (!strcmp(m, "gone")) return CKR_TOKEN_NOT_PRESENT;
            memset(info, ' ', sizeof *info);
            memcpy(info->label, "odd token", 9);
            info->flags = CKF_TOKEN_INITIALIZED | CKF_LOGIN_REQUIRED;
            return CKR_OK;
        }
        static CK_RV GetMechanismList(CK_SLOT_ID slot, CK_MECHANISM_TYPE *list, CK_ULONG *count) {
            if (list) list[0] = CKM_ECDSA;
            *count = 1;
            return CKR_OK;
        }
        static CK_RV OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *a, void *n, CK_SESSION_HANDLE *session) {
            char m[64];
            mode(m);
            note("C_OpenSession");
            if (!strcmp(m, "gone")) return CKR_TOKEN_NOT_PRESENT;
            *session = next_session++;
            return CKR_OK;
        }
        static CK_RV CloseSession(CK_SESSION_HANDLE session) { note("C_CloseSession"); return CKR_OK; }
        static CK_RV Login(CK_SESSION_HANDLE session, CK_ULONG user, const CK_BYTE *pin, CK_ULONG length) {
            char m[64];
            mode(m);
            note("C_Login");
            if (!strncmp(m, "login:", 6)) return strtoul(m + 6, NULL, 16);
            return length == 4 && !memcmp(pin, "1234", 4) ? CKR_OK : CKR_PIN_INCORRECT;
        }
        static CK_RV FindObjectsInit(CK_SESSION_HANDLE session, CK_ATTRIBUTE *t, CK_ULONG count) {
            finding[session & 65535] = 0;
            for (CK_ULONG i = 0; i < count; i++)
                if (t[i].type == CKA_CLASS) finding[session & 65535] = (int)*(CK_ULONG *)t[i].pValue;
            return CKR_OK;
        }
        static CK_RV FindObjects(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE *objects, CK_ULONG room, CK_ULONG *count) {
            int wanted = finding[session & 65535];
            *count = wanted == (int)CKO_CERTIFICATE || wanted == (int)CKO_PRIVATE_KEY;
            if (*count) objects[0] = (CK_ULONG)wanted;
            finding[session & 65535] = 0;
            return CKR_OK;
        }
        static CK_RV FindObjectsFinal(CK_SESSION_HANDLE session) { return CKR_OK; }
        static CK_RV GetAttributeValue(CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, CK_ATTRIBUTE *a, CK_ULONG count) {
            unsigned char bytes[8192];
            int length;
            if (a->type == CKA_VALUE && object == CKO_CERTIFICATE) length = read_beside(".cert", bytes, sizeof bytes);
            else if (a->type == CKA_ID) length = 1, bytes[0] = 7;
            else if (a->type == CKA_LABEL && object == CKO_CERTIFICATE) length = 3, memcpy(bytes, "Odd", 3);
            else { a->ulValueLen = ~0UL; return CKR_ATTRIBUTE_TYPE_INVALID; }
            if (a->pValue) memcpy(a->pValue, bytes, (size_t)length);
            a->ulValueLen = (CK_ULONG)length;
            return CKR_OK;
        }
        static CK_RV SignInit(CK_SESSION_HANDLE session, CK_MECHANISM *mechanism, CK_OBJECT_HANDLE key) { return CKR_OK; }
        static CK_RV Sign(CK_SESSION_HANDLE session, const CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *signatureLength) {
            char m[64];
            note("C_Sign");
            for (mode(m); !strcmp(m, "hang"); mode(m)) usleep(5000);
            if (!strncmp(m, "once:", 5)) { if (!atomic_exchange(&once_done, 1)) return strtoul(m + 5, NULL, 16); }
            else if (!strcmp(m, "gone")) return CKR_DEVICE_REMOVED;
            else if (strcmp(m, "ok") && strncmp(m, "login:", 6)) return strtoul(m, NULL, 16);
            memset(signature, 1, 64);
            *signatureLength = 64;
            return CKR_OK;
        }
        static CK_FUNCTION_LIST list = {
            .version = {2, 40}, .C_Initialize = Initialize, .C_Finalize = Finalize, .C_GetSlotList = GetSlotList, .C_GetTokenInfo = GetTokenInfo,
            .C_GetMechanismList = GetMechanismList, .C_OpenSession = OpenSession, .C_CloseSession = CloseSession, .C_Login = Login,
            .C_FindObjectsInit = FindObjectsInit, .C_FindObjects = FindObjects, .C_FindObjectsFinal = FindObjectsFinal,
            .C_GetAttributeValue = GetAttributeValue, .C_SignInit = SignInit, .C_Sign = Sign,
        };
        CK_RV C_GetFunctionList(CK_FUNCTION_LIST **result) { *result = &list; return CKR_OK; }
        """#
}
